-- Find the sends that callbacks belong to, one callback after the other.
-- KEYS: attempts
-- ARGV: retention ms, statuses maxlen, key prefix; then per callback: ticket, number, received ms, '1' to wait for
--       running attempts. The keys of tickets, open numbers and records are derived from the prefix.
-- Returns per callback one of
--   'known', request_id, context or ''    found by its ticket, or adopted: the only open send to that number
--   'pending'                             attempts begun before the callback came have not reported yet
--   'foreign'                             no send of ours
-- A ticket of a shared call leads to the member with that number.
-- Safe to repeat: an adopted ticket is found by itself the next time.
local attempts = KEYS[1]
local retention, maxlen, prefix = ARGV[1], ARGV[2], ARGV[3]

local function known(id, number)
  local r = redis.call('HMGET', prefix .. 'record:' .. id, 'members', 'context')
  if r[1] then
    id = redis.call('HGET', prefix .. 'members:' .. id, number)
    if not id then return { 'foreign' } end
    r[2] = redis.call('HGET', prefix .. 'record:' .. id, 'context')
  elseif #id > 36 then
    -- A call that is forgotten already.
    return { 'foreign' }
  end
  return { 'known', id, r[2] or '' }
end

local function correlate(ticket, number, received, patient)
  local ticket_key = prefix .. 'ticket:' .. ticket
  local id = redis.call('GET', ticket_key)
  if id then return known(id, number) end

  -- A running attempt may turn out to own the ticket: only without one is an open send to that number the origin.
  local busy = redis.call('ZCOUNT', attempts, '-inf', received) > 0
  if busy and patient then return { 'pending' } end

  local candidates, open_key = {}, prefix .. 'open:' .. redis.sha1hex(number)
  for _, candidate in ipairs(redis.call('SMEMBERS', open_key)) do
    local r = redis.call('HMGET', prefix .. 'record:' .. candidate, 'state', 'ticket', 'first')
    if not r[1] then
      redis.call('SREM', open_key, candidate)
    elseif not r[2] and r[3] and tonumber(r[3]) <= received then
      candidates[#candidates + 1] = candidate
    end
  end
  if #candidates == 1 then
    id = candidates[1]
    local keys, now = keys_of(prefix, id), now_ms()
    local r = redis.call('HMGET', keys.record, 'state', 'members')
    redis.call('HSET', keys.record, 'ticket', ticket)
    redis.call('SET', ticket_key, id, 'PX', retention)
    redis.call('SREM', open_key, id)
    if r[2] then
      -- While the call is still being sent its members learn of the ticket when it ends.
      if r[1] == 'unknown' then end_call(keys, id, 'accepted', retention, now) end
      if r[1] == 'unknown' or r[1] == 'accepted' then
        local members = redis.call('HVALS', prefix .. 'members:' .. id)
        end_members(prefix, id, call_facts(keys.record), members, retention, maxlen, now)
      end
    elseif r[1] == 'unknown' then
      -- A receipt or reply is proof: somebody has the text.
      end_record(keys, 'accepted', id, retention, maxlen, now)
    elseif r[1] == 'accepted' then
      announce(keys, maxlen, id, now)
    end
    return known(id, number)
  end
  return { busy and 'pending' or 'foreign' }
end

local result = {}
for i = 4, #ARGV, 4 do
  result[#result + 1] = correlate(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3] == '1')
end
return result

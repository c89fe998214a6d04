-- Find the sends that callbacks belong to, one callback after the other.
-- KEYS: attempts
-- ARGV: retention ms, statuses maxlen, key prefix; then per callback: ticket, number, received ms, '1' to wait for
--       running attempts. The keys of tickets, open numbers and records are derived from the prefix.
-- Returns per callback one of
--   'known', request_id, context or ''    found by its ticket, or adopted: the only open send to that number
--   'pending'                             attempts begun before the callback came have not reported yet
--   'foreign'                             no send of ours
-- A ticket of a shared call leads to the member with that number.
-- Anybody who has a token can name a ticket. So an adopted ticket is marked as such, the send stays among the open ones
-- of its number, and a second ticket there contradicts the first: then neither is believed, now or later.
-- Safe to repeat: an adopted ticket is found by itself the next time.
local attempts = KEYS[1]
local retention, maxlen, prefix = ARGV[1], ARGV[2], ARGV[3]

local function known(id, number)
  local r = redis.call('HMGET', prefix .. 'record:' .. id, 'members', 'context', 'state')
  if r[1] then
    id = redis.call('HGET', prefix .. 'members:' .. id, number)
    if not id then return { 'foreign' } end
    r = redis.call('HMGET', prefix .. 'record:' .. id, 'members', 'context', 'state')
  elseif #id > 36 then
    -- A call that is forgotten already.
    return { 'foreign' }
  end
  -- The answer counted fewer recipients than there are; this one was among them.
  if r[3] == 'unknown' then end_record(keys_of(prefix, id), 'accepted', id, retention, maxlen, now_ms()) end
  return { 'known', id, r[2] or '' }
end

-- Whether the gateway may have made this up.
local function is_shaped(ticket)
  return #ticket <= 64 and string.find(ticket, '^sms_%w+$') ~= nil
end

-- Take back an adoption. The send is what it was found to be, but nobody knows its ticket.
local function disown(id)
  local keys, now = keys_of(prefix, id), now_ms()
  local r = redis.call('HMGET', keys.record, 'ticket', 'members', 'state')
  redis.call('HSET', keys.record, 'ambiguous', '1')
  forget_adopted(prefix, keys.record)
  if r[3] ~= 'accepted' then return end
  if not r[2] then return announce(keys, maxlen, id, now) end
  for _, member in ipairs(redis.call('HVALS', prefix .. 'members:' .. id)) do
    local own = keys_of(prefix, member)
    local m = redis.call('HMGET', own.record, 'call', 'ticket')
    if m[1] == id and m[2] == r[1] then
      redis.call('HDEL', own.record, 'ticket')
      announce(own, maxlen, member, now)
    end
  end
end

local function correlate(ticket, number, received, patient)
  local ticket_key = prefix .. 'ticket:' .. ticket
  local id = redis.call('GET', ticket_key)
  if id then return known(id, number) end

  -- A running attempt may turn out to own the ticket: only without one is an open send to that number the origin.
  local busy = redis.call('ZCOUNT', attempts, '-inf', received) > 0
  if busy and patient then return { 'pending' } end

  if not is_shaped(ticket) then return { 'foreign' } end
  local candidates, adopters, open_key = {}, {}, prefix .. 'unticketed:' .. redis.sha1hex(number)
  for _, candidate in ipairs(redis.call('SMEMBERS', open_key)) do
    local r = redis.call('HMGET', prefix .. 'record:' .. candidate, 'state', 'ticket', 'first', 'adopted', 'ambiguous')
    if not r[1] then
      redis.call('SREM', open_key, candidate)
    elseif r[3] and tonumber(r[3]) <= received and not r[5] then
      local list = r[2] and adopters or candidates
      if not r[2] or r[4] then list[#list + 1] = candidate end
    end
  end
  if #candidates == 1 then
    id = candidates[1]
    local keys, now = keys_of(prefix, id), now_ms()
    local r = redis.call('HMGET', keys.record, 'state', 'members')
    redis.call('HSET', keys.record, 'ticket', ticket, 'adopted', '1')
    redis.call('SET', ticket_key, id, 'PX', retention)
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
  if #candidates == 0 and #adopters == 1 then disown(adopters[1]) end
  return { busy and 'pending' or 'foreign' }
end

local result = {}
for i = 4, #ARGV, 4 do
  result[#result + 1] = correlate(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), ARGV[i + 3] == '1')
end
return result

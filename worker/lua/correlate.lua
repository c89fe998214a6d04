-- Find the send that a callback belongs to.
-- KEYS: ticket, open numbers of the sender of the callback, attempts, statuses, counts, parked
-- ARGV: ticket, received ms, retention ms, statuses maxlen, key prefix, '1' to wait for running attempts
-- Returns one of
--   'known', request_id, context or ''    found by its ticket, or adopted: the only open send to that number
--   'pending'                             attempts begun before the callback came have not reported yet
--   'foreign'                             no send of ours
-- Safe to repeat: an adopted ticket is found by itself the next time.
local ticket_key, open_key, attempts = KEYS[1], KEYS[2], KEYS[3]
local ticket, received, retention, maxlen, prefix = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local id = redis.call('GET', ticket_key)
if id then return { 'known', id, redis.call('HGET', prefix .. 'record:' .. id, 'context') or '' } end

-- A running attempt may turn out to own the ticket: only without one is an open send to that number the origin.
local busy = redis.call('ZCOUNT', attempts, '-inf', received) > 0
if busy and ARGV[6] == '1' then return { 'pending' } end

local candidates = {}
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
  local keys = { record = prefix .. 'record:' .. id, body = prefix .. 'body:' .. id, statuses = KEYS[4],
    counts = KEYS[5], parked = KEYS[6] }
  local state = redis.call('HGET', keys.record, 'state')
  redis.call('HSET', keys.record, 'ticket', ticket)
  redis.call('SET', ticket_key, id, 'PX', retention)
  redis.call('SREM', open_key, id)
  if state == 'unknown' then
    -- A receipt or reply is proof: somebody has the text.
    end_record(keys, 'accepted', id, retention, maxlen, now_ms())
  elseif state == 'accepted' then
    announce(keys, maxlen, id, now_ms())
  end
  return { 'known', id, redis.call('HGET', keys.record, 'context') or '' }
end
return { busy and 'pending' or 'foreign' }

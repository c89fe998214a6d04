-- Read what is known of a send, in one step.
-- KEYS: record, deliveries
-- ARGV: key prefix, under which the record of a shared call lies
-- Returns the record and the deliveries as lists of names and values; then of the call that the send waits or leaves
-- with: state, attempts, code, message, first; an empty list without one; then of the gate that keeps it: name, facts,
-- estimated price; an empty list without one. Safe to repeat.
local record = redis.call('HGETALL', KEYS[1])
local of = redis.call('HMGET', KEYS[1], 'state', 'call')
local call = {}
if of[1] == 'queued' and of[2] then
  for i, value in ipairs(redis.call('HMGET', ARGV[1] .. 'record:' .. of[2], 'state', 'attempts', 'code', 'message',
    'first')) do
    call[i] = value or ''
  end
end
local waits = of[1] == 'queued' and (of[2] and ARGV[1] .. 'record:' .. of[2] or KEYS[1])
local gate = waits and redis.call('HMGET', waits, 'aside', 'price') or {}
local aside = {}
if gate[1] then aside = { gate[1], redis.call('HGET', ARGV[1] .. 'gates', gate[1]) or '{}', gate[2] or '' } end
return { record, redis.call('HGETALL', KEYS[2]), call, aside }

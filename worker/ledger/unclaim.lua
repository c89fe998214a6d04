-- Give back the claim of a send that nothing was posted under. What was in doubt before stays so.
-- KEYS: inflight, attempts
-- ARGV: key prefix, id, token
-- Returns 1, or 0 when a later claim owns the record or this one has ended. Safe to repeat.
local keys, id, token = keys_of(ARGV[1], ARGV[2]), ARGV[2], ARGV[3]
local r = redis.call('HMGET', keys.record, 'token', 'running', 'attempts', 'doubt')
if r[1] ~= token or not r[2] then return 0 end
redis.call('ZREM', KEYS[1], id .. ':' .. token)
redis.call('ZREM', KEYS[2], id)
redis.call('HDEL', keys.record, 'running')
if not r[4] then redis.call('HSET', keys.record, 'state', 'queued') end
if not r[3] then redis.call('HDEL', keys.record, 'first') end
return 1

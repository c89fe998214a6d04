-- Give back the claim of a send under which nothing was posted. What was in doubt before stays so.
-- Given: id, token, lease (of its entry), unsure (whether a server may know the claim that will not know that it was given back; only of
--   shared calls), retention_ms, maxlen.
-- Returns 1, or 0 when another claim owns the record or this one has ended. Safe to repeat.
-- uses: keys clock unsent spending own_attempt
local keys = keys_of(given.id)
local record = read(keys.record, 'token', 'running', 'attempts', 'doubt', 'erase', 'estimate', 'charged', 'app')
if not is_attempt_of(record, given.token, given.lease) then return 0 end
redis.call('ZREM', prefix .. 'attempt_leases', given.id .. ':' .. given.token)
redis.call('ZREM', prefix .. 'attempt_starts', given.id)
redis.call('HDEL', keys.record, 'running')
-- That server would ask for the call again: its members go alone when it knows better. See dissolve.lua.
if given.unsure then redis.call('HSET', keys.record, 'reported', now) end
if not record.doubt then
  settle(record, 'queued')
  redis.call('HDEL', keys.record, 'charged')
  redis.call('HSET', keys.record, 'state', 'queued')
  if record.erase then go_without(keys, given.id, record.erase) end
end
if not record.attempts then redis.call('HDEL', keys.record, 'first') end
return 1

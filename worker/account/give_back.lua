-- Give sends that wait aside back to their queues, some at a time, the cheapest first.
-- KEYS: aside, alert delayed, alert wake, marketing delayed, marketing wake
-- ARGV: key prefix, highest price ('+inf' for all), how many at most. The keys of the records are derived.
-- Returns how many were taken from the set; 0 when nobody is left. Safe to repeat, also by two at once: an entry that is
-- not among the delayed is about to be claimed, and what its gate means for it is decided there.
local queues = { alert = { KEYS[2], KEYS[3] }, marketing = { KEYS[4], KEYS[5] } }
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])
local now = now_ms()
for _, id in ipairs(ids) do
  local keys = keys_of(ARGV[1], id)
  leave_aside(keys, id)
  redis.call('ZREM', KEYS[1], id)
  local queue = queues[redis.call('HGET', keys.record, 'queue') or '']
  if queue and redis.call('ZADD', queue[1], 'XX', 'CH', now, id) == 1 then wake(queue[2]) end
end
return #ids

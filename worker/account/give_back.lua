-- Give sends that wait aside back to their queues, some at a time, the cheapest first.
-- Given: gate, up_to (the highest price, '+inf' for all), most
-- Returns how many left the gate; 0 when nobody is left. Safe to repeat, also by two at once: an entry that is not among the
--   delayed is about to be claimed, and its claim looks at the gate.
-- uses: keys clock aside queue
local aside = prefix .. 'aside:' .. given.gate
local ids = redis.call('ZRANGEBYSCORE', aside, '-inf', given.up_to, 'LIMIT', 0, given.most)
for _, id in ipairs(ids) do
  local keys = keys_of(id)
  leave_aside(keys, id)
  redis.call('ZREM', aside, id)
  local name = redis.call('HGET', keys.record, 'queue')
  local queue = name and queue_keys(name)
  if queue and redis.call('ZADD', queue.delayed, 'XX', 'CH', now, id) == 1 then wake_consumer(queue) end
end
return #ids

-- Let leased entries come again later: each moves from the leases to the delayed, and is never copied.
-- Given: queue (its name), entries (each id, lease, ms, envelope): an entry comes again after ms, and takes its envelope along if
--   it has failed
-- Returns how many were still ours; an entry whose lease was no longer ours runs somewhere else and stays. Safe to repeat.
-- uses: clock queue
local queue, count = queue_keys(given.queue), 0
for _, entry in ipairs(given.entries) do
  if redis.call('ZREM', queue.leases, entry.lease) == 1 then
    if entry.envelope then
      redis.call('HSET', queue.envelopes, entry.id, entry.envelope)
    else
      redis.call('HDEL', queue.envelopes, entry.id)
    end
    redis.call('ZADD', queue.delayed, now + entry.ms, entry.id)
    count = count + 1
  end
end
if count > 0 then wake_consumer(queue) end
return count

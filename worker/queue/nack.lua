-- Move leased entries to the dead letters of their queue, where they stay for a while with their envelopes.
-- Given: queue (its name), entries (each id, lease), dead_ms (for which dead letters are kept)
-- Returns how many were still ours; an entry whose lease was no longer ours belongs to somebody else and stays. Safe to repeat.
-- uses: clock queue
local queue, count = queue_keys(given.queue), 0
for _, entry in ipairs(given.entries) do
  if redis.call('ZREM', queue.leases, entry.lease) == 1 then
    redis.call('ZADD', queue.dead, now, entry.id)
    count = count + 1
  end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue.dead, '-inf', now - given.dead_ms, 'LIMIT', 0, 128)) do
  redis.call('ZREM', queue.dead, id)
  redis.call('HDEL', queue.envelopes, id)
end
if count > 0 then wake_if_ready(queue) end
return count

-- End entries, and the leases on them.
-- Given: queue (its name), entries (each id, lease)
-- Returns how many were still ours; an entry whose lease was no longer ours belongs to somebody else and stays. Safe to repeat.
-- uses: queue
local queue, count = queue_keys(given.queue), 0
for _, entry in ipairs(given.entries) do
  if redis.call('ZREM', queue.leases, entry.lease) == 1 then
    redis.call('HDEL', queue.envelopes, entry.id)
    count = count + 1
  end
end
if count > 0 then wake_if_ready(queue) end
return count

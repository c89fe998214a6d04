-- Give leased entries back to the front of their queue, in order.
-- Given: queue (its name), entries (each id, lease)
-- Returns how many went back; an entry whose lease was no longer ours belongs to somebody else and stays. Safe to repeat.
-- uses: queue
local queue, count = queue_keys(given.queue), 0
for i = #given.entries, 1, -1 do
  local entry = given.entries[i]
  if redis.call('ZREM', queue.leases, entry.lease) == 1 then
    redis.call('LPUSH', queue.ready, entry.id)
    count = count + 1
  end
end
if count > 0 then wake_consumer(queue) end
return count

-- Bring the end of a shared call to some of its members; with the last of them, end its queue entry.
-- Given: retention_ms, maxlen, queue, call, members, lease (of the call's entry; none as long as more members follow).
-- Returns how many members were told. Safe to repeat.
-- uses: queue call
local queue = queue_keys(given.queue)
end_members(given.call, given.members)
if given.lease then
  redis.call('SREM', queue.ending, given.lease)
  if redis.call('ZREM', queue.leases, given.lease) == 1 then
    redis.call('HDEL', queue.envelopes, given.call)
    wake_if_ready(queue)
  end
end
return #given.members

-- Bring the end of a shared call to some of its members; with the last of them, end its queue entry. Whoever asks may have learnt of that
-- end from a server that is the primary no more: then no member is told, and the entry goes back to the front of the queue.
-- Given: retention_ms, maxlen, queue, call, members, lease (of the call's entry; none as long as more members follow).
-- Returns how many members were told. Safe to repeat.
-- uses: keys queue call states
local queue, over = queue_keys(given.queue), not is_under_way(redis.call('HGET', keys_of(given.call).record, 'state'))
if over then end_members(given.call, given.members) end
if given.lease then
  redis.call('SREM', queue.ending, given.lease)
  if redis.call('ZREM', queue.leases, given.lease) == 1 then
    redis.call('HDEL', queue.envelopes, given.call)
    if not over then redis.call('LPUSH', queue.ready, given.call) end
    wake_if_ready(queue)
  end
end
return over and #given.members or 0

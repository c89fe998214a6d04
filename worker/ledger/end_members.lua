-- Bring the end of a shared call to some of its members; with the last of them, end its queue entry. Whoever asks may have learnt of that
-- end, or told other members of it, on a server that is the primary no more. Where the call has not ended no member is told, and as long as
-- any is left to be told the entry goes back to the front of the queue.
-- Given: retention_ms, maxlen, queue, call, members, lease (of the call's entry; none as long as more members follow).
-- Returns how many members were told. Safe to repeat.
-- uses: keys queue call states
local queue, over = queue_keys(given.queue), not is_under_way(redis.call('HGET', keys_of(given.call).record, 'state'))

-- Whether a member waits for the end of its call. A call has at most 500 members.
local function is_any_left()
  if redis.call('HLEN', members_key(given.call)) <= #given.members then return false end
  for _, id in ipairs(redis.call('HVALS', members_key(given.call))) do
    local member = read(keys_of(id).record, 'state', 'call')
    if member.state == 'queued' and member.call == given.call then return true end
  end
  return false
end

if over then end_members(given.call, given.members) end
if given.lease then
  redis.call('SREM', queue.ending, given.lease)
  if redis.call('ZREM', queue.leases, given.lease) == 1 then
    redis.call('HDEL', queue.envelopes, given.call)
    if not over or is_any_left() then redis.call('LPUSH', queue.ready, given.call) end
    wake_if_ready(queue)
  end
end
return over and #given.members or 0

-- End entries that have nothing left to do, and the leases on them. Whoever asks may have learnt so from a server that is the primary no
-- more: an entry with something left to do goes back to the front of the queue.
-- Given: queue (its name), entries (each id, lease)
-- Returns how many were still ours; an entry whose lease was no longer ours belongs to somebody else and stays. Safe to repeat.
-- uses: keys queue states
local queue, count = queue_keys(given.queue), 0

-- The bytes of a callback go when its events are published. A member leaves with its shared call.
local function is_done(id)
  if given.queue == 'callbacks' then return redis.call('EXISTS', prefix .. 'callback:' .. id) == 0 end
  local record = read(keys_of(id).record, 'state', 'call')
  return not is_under_way(record.state) or record.call
end

for i = #given.entries, 1, -1 do
  local entry = given.entries[i]
  if redis.call('ZREM', queue.leases, entry.lease) == 1 then
    redis.call('HDEL', queue.envelopes, entry.id)
    if not is_done(entry.id) then redis.call('LPUSH', queue.ready, entry.id) end
    count = count + 1
  end
end
if count > 0 then wake_if_ready(queue) end
return count

-- Let a shared call fall apart into its members, which then leave alone: at the front of the queue, in their order.
-- Given: queue, call, safe_ms (after so many milliseconds Redis forgets nothing; none when nobody knows).
-- Returns 'dissolved'; 'waits' when Redis might forget what became of it; 'stays' when it is in doubt, has ended or is gone.
-- A call falls apart only if it was surely never posted under its present name. If it was posted under an earlier one, or was claimed, Redis
-- must first remember that it was not taken, or that the claim was given back: else it would be sent again beside its members.
-- Safe to repeat.
-- uses: keys clock queue aside held
local call, queue = given.call, queue_keys(given.queue)
local keys = keys_of(call)
local record = read(keys.record, 'state', 'doubt', 'running', 'reported')
if record.state ~= 'queued' or record.doubt or record.running then return 'stays' end
if record.reported and math.abs(now - record.reported) < (given.safe_ms or math.huge) then return 'waits' end

local ids = redis.call('HVALS', members_key(call))
for _, id in ipairs(redis.call('LRANGE', gathered_key(call), 0, -1)) do ids[#ids + 1] = id end
for i = #ids, 1, -1 do
  local id, record_key = ids[i], keys_of(ids[i]).record
  local member = read(record_key, 'state', 'call')
  if member.state == 'queued' and (not member.call or member.call == call) then
    if member.call then redis.call('HDEL', record_key, 'call') end
    redis.call('LPUSH', queue.ready, id)
  elseif member.state == 'sending' and not member.call then
    -- Claimed alone by a worker that had lost it: whoever sees to that attempt needs an entry.
    redis.call('LPUSH', queue.ready, id)
  end
end
leave_aside(keys, call)
forget_held(keys)
redis.call('DEL', keys.record, keys.body, members_key(call), gathered_key(call))
wake_consumer(queue)
return 'dissolved'

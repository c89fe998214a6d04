-- Cutting a shared call that was surely not taken into two.

-- Let the first members of a call, so many, leave in one call and the others in another, at the front of the queue. Claims compose the
-- two, under request_ids of their own. The call has its members in its body, and nothing of it is reserved any more. Returns 'split', the
-- state that it is in from now on.
local function split_call(keys, call, queue_name, first_ones)
  local queue, members = queue_keys(queue_name), redis.call('HGETALL', members_key(call))
  local r = read(keys.record, 'v', 'share', 'first', 'attempts', 'code', 'message', 'reported')
  local fields = { 'state', 'queued', 'queue', queue_name, 'queued', now }
  for name, value in pairs(r) do
    fields[#fields + 1], fields[#fields + 2] = name, value
  end
  -- The one that is pushed last is claimed first.
  for number, range in ipairs({ { 2 * first_ones + 1, #members }, { 1, 2 * first_ones } }) do
    local child = call .. '.' .. 3 - number
    local count = (range[2] - range[1] + 1) / 2
    redis.call('HSET', keys_of(child).record, 'recipients', count, 'members', count, unpack(fields))
    redis.call('HSET', members_key(child), unpack(members, range[1], range[2]))
    for i = range[1] + 1, range[2], 2 do redis.call('HSET', keys_of(members[i]).record, 'call', child) end
    redis.call('LPUSH', queue.ready, child)
    wake_consumer(queue)
  end
  leave_aside(keys, call)
  forget_held(keys)
  redis.call('DEL', members_key(call), keys.body)
  redis.call('HDEL', keys.record, 'running', 'charged')
  redis.call('HSET', keys.record, 'state', 'split')
  redis.call('PEXPIRE', keys.record, 3600000)
  return 'split'
end
-- uses: keys clock queue aside held

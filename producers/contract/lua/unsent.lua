-- Sends that were surely not taken, and go without some of their recipients. Takes retention_ms and maxlen from what the script is
-- given.

-- Let persons leave who are erased; the send must be in the state queued. A message without anybody left is cancelled, a call is
-- forgotten. Returns whether anybody is left.
local function go_without(keys, id, numbers)
  local r = read(keys.record, 'recipients', 'members')
  if r.members then
    local members = members_key(id)
    for number in string.gmatch(numbers, '%S+') do
      local member = redis.call('HGET', members, number)
      if member then
        redis.call('HDEL', members, number)
        redis.call('HDEL', keys_of(member).record, 'call')
        go_without(keys_of(member), member, number)
      end
    end
    -- The body is made anew of the members that are left, under a name of its own.
    redis.call('HDEL', keys.record, 'composed', 'to', 'erase')
    redis.call('DEL', keys.body)
    if redis.call('HLEN', members) + redis.call('LLEN', gathered_key(id)) > 0 then return true end
    leave_aside(keys, id)
    forget_held(keys)
    redis.call('DEL', keys.record)
    return false
  end
  if tonumber(r.recipients or 1) == 1 or not cut_out(redis.call('GET', keys.body) or '', numbers) then
    redis.call('HSET', keys.record, 'code', 'erased', 'erase', numbers)
    end_record(keys, id, 'cancelled')
    return false
  end
  forget_persons(keys, id, numbers)
  return true
end
-- uses: keys aside held erasing record

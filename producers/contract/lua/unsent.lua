-- Sends that were surely not taken, and go without some of their recipients. Takes retention_ms and maxlen from what the script is
-- given.

-- Let persons leave who are erased; the send must be in the state queued. A message without anybody left is cancelled. Returns whether
-- anybody is left.
local function go_without(keys, id, numbers)
  local r = read(keys.record, 'recipients', 'segments', 'campaign', 'members', 'weights', 'estimate')
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
    -- The body is made anew of the members that are left, under a name of its own. A call without any is forgotten then.
    redis.call('HDEL', keys.record, 'composed', 'to', 'erase')
    redis.call('DEL', keys.body)
    return redis.call('HLEN', members) + redis.call('LLEN', gathered_key(id)) > 0
  end
  local count = tonumber(r.recipients or 1)
  local rest, places = cut_out(redis.call('GET', keys.body) or '', numbers)
  if count == 1 or not rest then
    redis.call('HSET', keys.record, 'code', 'erased', 'erase', numbers)
    end_record(keys, id, 'cancelled')
    return false
  end
  forget_persons(keys, id, numbers)
  local weights, segments = r.weights or '', tonumber(r.segments)
  for _, place in ipairs(places) do
    segments = segments - (tonumber(string.sub(weights, place, place)) or tonumber(r.segments) / count)
    weights = string.sub(weights, 1, place - 1) .. string.sub(weights, place + 1)
  end
  redis.call('HSET', keys.record, 'recipients', count - #places, 'segments', segments, 'weights', weights)
  lower_estimate(keys, r, tonumber(r.segments), segments)
  if r.campaign then redis.call('HINCRBY', campaign_key(r.campaign), 'cancelled', #places) end
  return true
end
-- uses: keys campaign erasing record

-- What becomes of an event that was not delivered. Takes dead_maxlen from what the script is given.

-- Move an event among the dead letters: its own fields, and beside them what became of it.
local function bury(keys, id, why)
  local event = read(event_key(id), 'stream', 'entry', 'fields', 'attempts')
  local fields = cmsgpack.unpack(event.fields)
  for _, part in ipairs({ 'forward_id', id, 'forward_stream', event.stream, 'forward_entry', event.entry, 'forward_attempts',
    event.attempts, 'forward_why', why, 'forward_at', stamp(now) }) do
    fields[#fields + 1] = part
  end
  redis.call('XADD', keys.dead, 'MAXLEN', '~', given.dead_maxlen, '*', unpack(fields))
  forget(keys, id)
end

-- Let an event wait for another attempt. An attempt that was spared does not count, unless a replay has taken it back already.
local function postpone(keys, id, ms, spared)
  redis.call('ZREM', keys.leases, id)
  redis.call('ZADD', keys.due, now + ms, id)
  redis.call('HDEL', event_key(id), 'holder')
  local back = math.min(spared, tonumber(redis.call('HGET', event_key(id), 'attempts')) or 0)
  if back > 0 then redis.call('HINCRBY', event_key(id), 'attempts', -back) end
end
-- uses: clock forwards

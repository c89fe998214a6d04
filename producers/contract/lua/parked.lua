-- Messages that a person may decide about. `parked` holds all of them by their end, `parked:<state>:<code>` those of one state and
-- code, and `parked:groups` which of these there are, by when a message came last. A message leaves by the code under which it came,
-- which its record keeps: its code may be another by now. Takes retention_ms from what the script is given.

local function parked_key(state, code)
  return prefix .. 'parked:' .. state .. ':' .. code
end

local function park(keys, id, state, code)
  local all, some, groups = prefix .. 'parked', parked_key(state, code), prefix .. 'parked:groups'
  redis.call('HSET', keys.record, 'parked', code)
  redis.call('ZADD', all, now, id)
  redis.call('ZADD', some, now, id)
  redis.call('ZADD', groups, now, state .. ':' .. code)
  -- The records of older ones are gone. A group that nothing comes to any more goes as a whole.
  for _, key in ipairs({ all, some, groups }) do
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now - given.retention_ms)
    redis.call('PEXPIRE', key, given.retention_ms)
  end
end

-- Takes the state in which the message was parked, and the code under which it was.
local function unpark(keys, id, state, code)
  redis.call('ZREM', prefix .. 'parked', id)
  redis.call('ZREM', parked_key(state, code), id)
  redis.call('HDEL', keys.record, 'parked')
end
-- uses: clock

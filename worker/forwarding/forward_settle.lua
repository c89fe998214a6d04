-- Record what became of one attempt to deliver an event.
-- Given: forward (its name), id, holder (who took the event), result ('delivered', 'failed': the receiver answered, and not well;
--   'unreachable': it did not answer; 'refused': for good; 'halted': the receiver wants nothing, or nothing now), why (in a word),
--   wait_ms (until the next attempt, -1: there is none), lasting (of a halt: until a person ends it), away (failures of different events
--   that hold the forwarder), probe_ms (until the next probe), dead_maxlen
-- Returns what became of the event ('delivered', 'waits', 'dead', 'late': nothing, since the lease was lost), and of the forwarder
--   ('held', 'paused', 'released' or ''). Safe to repeat: it says 'late' then.
-- uses: clock forwards failures
local keys, id, result = forward_keys(), given.id, given.result

-- A delivery is true whoever tells of it. Anything else is only said by who holds the lease.
local holder = redis.call('HGET', event_key(id), 'holder')
if result == 'delivered' and redis.call('EXISTS', event_key(id)) == 0 then return { 'late', '' } end
if result ~= 'delivered' and holder ~= given.holder then return { 'late', '' } end

-- A person has replayed the event while this attempt ran: whatever became of that, the event is tried once more, and at once.
local is_replayed = redis.call('HGET', event_key(id), 'attempts') == '0'
local is_held = redis.call('HEXISTS', keys.forward, 'held') == 1
redis.call('HINCRBY', keys.forward, 'tried:' .. result, 1)
redis.call('HSET', event_key(id), 'why', given.why)

local function hold()
  redis.call('HSET', keys.forward, 'held', given.why, 'probe_at', now + given.probe_ms)
  redis.call('HSETNX', keys.forward, 'held_at', now)
end

-- Different events fail one after the other: the receiver is away. Those that it did not answer get their attempts back.
local function hold_all_that_fail()
  hold()
  local failing = redis.call('ZRANGE', keys.failing, 0, -1, 'WITHSCORES')
  for i = 1, #failing, 2 do
    if redis.call('ZSCORE', keys.due, failing[i]) and tonumber(failing[i + 1]) > 0 then
      postpone(keys, failing[i], 0, tonumber(failing[i + 1]))
    end
  end
  redis.call('DEL', keys.failing)
end

if result == 'delivered' then
  forget(keys, id)
  redis.call('DEL', keys.failing)
  redis.call('HSET', keys.forward, 'delivered_at', now)
  redis.call('HDEL', keys.forward, 'held', 'held_at', 'probe_at')
  return { 'delivered', is_held and 'released' or '' }
end
if result == 'refused' then
  if is_replayed then
    postpone(keys, id, 0, 0)
    return { 'waits', '' }
  end
  bury(keys, id, given.why)
  return { 'dead', '' }
end
if result == 'halted' then
  postpone(keys, id, 0, 1)
  if given.lasting then
    redis.call('HSET', keys.forward, 'paused', given.why, 'paused_at', now)
    return { 'waits', 'paused' }
  end
  hold()
  return { 'waits', is_held and '' or 'held' }
end
if is_held then
  -- Behind all others that are due, so that the next probe is another one.
  postpone(keys, id, 0, 1)
  return { 'waits', '' }
end
redis.call('ZINCRBY', keys.failing, result == 'unreachable' and 1 or 0, id)
local is_away = redis.call('ZCARD', keys.failing) >= given.away
if is_replayed then
  postpone(keys, id, 0, 0)
elseif given.wait_ms >= 0 or (is_away and result == 'unreachable') then
  postpone(keys, id, math.max(0, given.wait_ms), 0)
else
  bury(keys, id, given.why)
end
if is_away then hold_all_that_fail() end
return { redis.call('ZSCORE', keys.due, id) and 'waits' or 'dead', is_away and 'held' or '' }

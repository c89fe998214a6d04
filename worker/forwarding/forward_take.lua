-- Hand out events that are due, under a lease, and see to the leases of the forwarder. While the forwarder is held, one event at a
-- time is handed out as a probe, due or not; while it is paused, none.
-- Given: forward (its name), holder (of this call: never comes again), most (events at most), lease_ms, probe_ms (between two probes),
--   probe_max_ms (the same at most, where an outcome asked for more), waits (ms before each attempt), dead_maxlen
-- Returns ms until something may be due (-1: not known); then per event: id, stream, entry, attempts with this one, fields. Not safe
--   to repeat: what an answer that was lost has brought stays leased until that lease runs out.
-- uses: clock forwards failures
local keys = forward_keys()
local state = read(keys.forward, 'paused', 'held', 'probe_at')

-- How many leases and due times are looked at per call, and ms that living holders get to be heard after an outage.
local AT_ONCE, GRACE = 100, 5000

-- Move times that are further ahead than anybody sets them: they were set before the clock went back.
local function clamp_times(key, longest)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. now + longest, '+inf', 'LIMIT', 0, AT_ONCE)) do
    redis.call('ZADD', key, 'XX', now + longest, id)
  end
end

-- Who held a lease that ran out has died, or hangs: that attempt counts, as nobody knows how far it came.
local function lose(id)
  local attempts = tonumber(redis.call('HGET', event_key(id), 'attempts'))
  if not attempts then return forget(keys, id) end
  redis.call('HINCRBY', keys.forward, 'tried:lost', 1)
  if state.held then return postpone(keys, id, 0, 1) end
  local wait = given.waits[attempts + 1]
  if wait then postpone(keys, id, wait, 0) else bury(keys, id, 'lost') end
end

local function tend_leases()
  local last = tonumber(redis.call('ZSCORE', prefix .. 'forwarders', given.forward) or now)
  redis.call('ZADD', prefix .. 'forwarders', now, given.forward)
  local over = redis.call('ZRANGEBYSCORE', keys.leases, '-inf', now, 'LIMIT', 0, AT_ONCE)
  for _, id in ipairs(over) do
    -- Nobody was heard: Redis was away, or its clock leapt. Holders that live get the time to say what became of their events.
    if now - last > GRACE then redis.call('ZADD', keys.leases, 'XX', now + GRACE, id) else lose(id) end
  end
end

local function due_now()
  if state.paused then return {} end
  if not state.held then return redis.call('ZRANGEBYSCORE', keys.due, '-inf', now, 'LIMIT', 0, given.most) end
  local probe_in = tonumber(state.probe_at) - now
  if given.most < 1 or (probe_in > 0 and probe_in <= given.probe_max_ms) then return {} end
  redis.call('HSET', keys.forward, 'probe_at', now + given.probe_ms)
  return redis.call('ZRANGE', keys.due, 0, 0)
end

local function hand_out(id)
  local event = read(event_key(id), 'stream', 'entry', 'fields')
  redis.call('ZREM', keys.due, id)
  if not event.fields then return forget(keys, id) end
  redis.call('ZADD', keys.leases, now + given.lease_ms, id)
  redis.call('HSET', event_key(id), 'holder', given.holder)
  local attempts = redis.call('HINCRBY', event_key(id), 'attempts', 1)
  return { id, event.stream, event.entry, attempts, cmsgpack.unpack(event.fields) }
end

clamp_times(keys.leases, given.lease_ms)
-- An hour is what a receiver may ask for.
clamp_times(keys.due, 2 * math.max(3600000, unpack(given.waits)))
tend_leases()
local events = { -1 }
for _, id in ipairs(due_now()) do
  local event = hand_out(id)
  if event then events[#events + 1] = event end
end
local first = redis.call('ZRANGE', keys.due, 0, 0, 'WITHSCORES')
if first[2] then events[1] = math.max(0, math.ceil(tonumber(first[2]) - now)) end
return events

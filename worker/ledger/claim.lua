-- Claim the next attempt of sends, or say why there is none.
-- KEYS: inflight, attempts, hold, pause, limits, rate
-- ARGV: record version, lease ms, window ms, retention ms, statuses maxlen, key prefix, default rate, queue, ms after
--       which what waits aside is looked at again; then of each entry its id and its lease. The keys of the records,
--       the gates and the queue are derived from the prefix.
-- Returns per entry one of
--   'claimed', token, body, in doubt 0|1, ms left to live or -1, told 0|1: a worker has told what an earlier attempt of this
--                           shared call under its present name came to, POSTs made before
--   'ended', state          it ended before: nothing left to do
--   'ends', state, code     this call ended it: expired, unknown, failed, cancelled with its campaign
--   'wait', ms              too early, sending is held, or another worker has the attempt
--   'thawed'                a shared call that must be frozen, or frozen anew, first: see freeze.lua
--   'paused'                it waits in the list of its campaign
--   'aside'                 a gate keeps it: it has become a delayed entry, in the same step
--   'newer'                 written by a newer version of the producers: leave it to a newer worker
--   'gone'                  no record under this id
-- Safe to repeat: each claim gets a higher token, and only the highest may finish.
local inflight, attempts, hold, pause, limits, rate = unpack(KEYS)
local version, lease, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local retention, maxlen, prefix = tonumber(ARGV[4]), ARGV[5], ARGV[6]
local now = now_ms()
-- What was fetched before sending was held goes back; nothing is fetched until it is released.
local held = redis.call('EXISTS', hold) == 1 and 1000 or pause_left(pause, now)
local per_second = tonumber(redis.call('HGET', limits, 'rate') or ARGV[7])
local queue_name, again, queue = ARGV[8], tonumber(ARGV[9]), prefix .. 'queue:' .. ARGV[8]

-- The gates of the moment; mostly there are none, and nothing is looked at.
local gates = {}
do
  local facts = redis.call('HGETALL', prefix .. 'gates')
  for i = 1, #facts, 2 do gates[#gates + 1] = { name = facts[i], facts = cjson.decode(facts[i + 1]) } end
end

-- Returns the name of the gate that keeps a send, and the price if that is why.
local function gate_of(keys, body, campaign)
  for _, gate in ipairs(gates) do
    local shut, floors = gate.facts.shut, gate.facts.floors
    if floors then
      local tariff, segments, price = price_of(keys, body)
      local floor = floors[tariff]
      if floor and segments >= floor.segments then return gate.name, price end
    elseif shut and (not shut.sender or shut.sender == string.match(body, '"sender":"([^"]*)"'))
      and (not shut.type or shut.type == string.match(body, '"type":"([^"]*)"'))
      and (not shut.queue or shut.queue == queue_name) and (not shut.campaign or shut.campaign == (campaign or '')) then
      return gate.name
    end
  end
end

-- A call may have been frozen on a server that is no more, by the worker that claims it here.
local era
local function this_era()
  era = era or era_of(prefix)
  return era
end

local function claim(id, lease_of_entry)
  local keys = keys_of(prefix, id)
  local r = redis.call('HMGET', keys.record, 'state', 'token', 'running', 'doubt', 'first', 'due', 'expires', 'v',
    'recipients', 'members', 'campaign', 'call', 'composed', 'aside', 'told', 'attempts',
    'era')
  local state, token, doubt, shared = r[1], tonumber(r[2] or 0), r[4] == '1', r[10]
  if not state then return { 'gone' } end
  if tonumber(r[8]) > version then return { 'newer' } end
  if state ~= 'queued' and state ~= 'sending' then return { 'ended', state } end
  -- A member leaves with its call and never beside it.
  if r[12] then return { 'ended', 'shared' } end

  local member = id .. ':' .. token
  if r[3] then
    local deadline = tonumber(redis.call('ZSCORE', inflight, member) or 0)
    -- Never longer than a lease: one further ahead was taken before the clock went back.
    if deadline > now then return { 'wait', math.min(lease, math.ceil(deadline - now)) } end
  end
  local due, expires = tonumber(r[6] or 0), tonumber(r[7] or math.huge)
  if due > now then return { 'wait', math.ceil(due - now) } end
  local halted = r[11] and state == 'queued'
    and redis.call('HMGET', prefix .. 'campaign:' .. r[11], 'paused', 'stopped') or {}
  if halted[2] then
    -- It was under way when its campaign was cancelled, and came back unsent; or that cancel was cut short.
    end_record(keys, 'cancelled', id, retention, maxlen, now)
    return { 'ends', 'cancelled', '' }
  end
  if halted[1] then
    if r[14] then leave_aside(keys, id) end
    redis.call('RPUSH', prefix .. 'campaign:' .. r[11] .. ':waiting', id)
    return { 'paused' }
  end

  local bytes = redis.call('GET', keys.body)
  if r[3] then
    -- The last attempt's worker never reported: its POST may have arrived.
    redis.call('ZREM', inflight, member)
    redis.call('ZREM', attempts, id)
    redis.call('HINCRBY', keys.record, 'attempts', 1)
    redis.call('HSET', keys.record, 'doubt', 1, 'code', 'worker_lost')
    redis.call('HDEL', keys.record, 'running')
    doubt = true
    if bytes then open_numbers(prefix, bytes, id, retention) end
  end

  -- A call that is surely not at the gateway can be frozen anew: each member's own time to live counts then.
  local thaw = shared and not doubt
  if thaw and (r[13] ~= 'done' or not bytes or r[17] ~= this_era()) then
    redis.call('HDEL', keys.record, 'composed')
    return { 'thawed' }
  end
  local ended
  if r[5] and now - tonumber(r[5]) > window then
    ended = doubt and 'unknown' or 'failed'
  elseif now >= expires and not thaw then
    ended = doubt and 'unknown' or 'expired'
  elseif not bytes then
    redis.call('HSET', keys.record, 'code', 'body_lost')
    ended = doubt and 'unknown' or 'failed'
  end
  if ended then
    if shared then
      end_call(keys, id, ended, retention, now)
    else
      end_record(keys, ended, id, retention, maxlen, now)
    end
    return { 'ends', ended, redis.call('HGET', keys.record, 'code') or '' }
  end
  if held > 0 then return { 'wait', held } end

  if thaw and now >= expires then
    redis.call('HDEL', keys.record, 'composed')
    return { 'thawed' }
  end
  -- What is in doubt goes on: only the gateway can tell what became of it.
  local gate, price
  if #gates > 0 and not doubt then gate, price = gate_of(keys, bytes, r[11]) end
  if gate then
    put_aside(keys, id, gate, price)
    if redis.call('ZREM', queue .. ':leases', lease_of_entry) == 1 then
      redis.call('ZADD', queue .. ':delayed', math.min(expires, now + again), id)
      redis.call('HDEL', queue .. ':envelopes', id)
    end
    return { 'aside' }
  end
  if r[14] then leave_aside(keys, id) end

  local recipients = tonumber(r[9] or 1)
  -- The fetch paid for one recipient.
  if recipients > 1 and per_second > 0 then
    charge(rate, now, (recipients - 1) * 1000 / per_second, redis.call('HGET', keys.record, 'queue'))
  end

  redis.call('HSET', keys.record, 'state', 'sending', 'token', token + 1, 'running', 1, 'first', r[5] or now)
  redis.call('ZADD', inflight, now + lease, id .. ':' .. (token + 1))
  redis.call('ZADD', attempts, now, id)
  local left = expires == math.huge and -1 or math.ceil(expires - now)
  return { 'claimed', token + 1, bytes, doubt and 1 or 0, left, r[15] and 1 or 0, tonumber(r[16] or 0) }
end

local result = {}
for i = 10, #ARGV, 2 do result[#result + 1] = claim(ARGV[i], ARGV[i + 1]) end
return result

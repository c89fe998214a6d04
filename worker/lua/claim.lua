-- Claim the next attempt of sends, or say why there is none. A shared call that nobody has posted yet, or that was
-- surely not taken, is frozen here: its members as they are now, in one body, under a fresh id for the gateway.
-- KEYS: inflight, attempts, hold, pause, limits, rate
-- ARGV: record version, lease ms, window ms, retention ms, statuses maxlen, key prefix, default rate; then per entry:
--       id, fresh request_id for a shared call or ''. The keys of the records are derived from the prefix.
-- Returns per entry one of
--   'claimed', token, body, in doubt 0|1, ms left to live or -1
--   'ended', state          it ended before: nothing left to do
--   'ends', state, code     this call ended it: expired, unknown, failed
--   'wait', ms              too early, sending is held, or another worker has the attempt
--   'paused'                it waits in the list of its campaign
--   'newer'                 written by a newer version of the producers: leave it to a newer worker
--   'gone'                  no record under this id
-- Safe to repeat: each claim gets a higher token, and only the highest may finish.
local inflight, attempts, hold, pause, limits, rate = unpack(KEYS)
local version, lease, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local retention, maxlen, prefix = tonumber(ARGV[4]), ARGV[5], ARGV[6]
local now = now_ms()
-- What was fetched before sending was held goes back; nothing is fetched until it is released.
local held = redis.call('EXISTS', hold) == 1 and 1000 or redis.call('PTTL', pause)
local per_second = tonumber(redis.call('HGET', limits, 'rate') or ARGV[7])

local function end_without_call(id, state, code)
  local keys = keys_of(prefix, id)
  if code then redis.call('HSET', keys.record, 'code', code) end
  end_record(keys, state, id, retention, maxlen, now)
end

-- The parts of a member's body, which the producers write in this order: {"recipients":[one],"text":...
local HEAD = '{"recipients":['
local function recipient_of(body)
  local cut = string.find(body, '],"text":', 1, true)
  return string.sub(body, #HEAD + 1, cut - 1), string.sub(body, cut)
end

local function replaced(text, old, new)
  local from, to = string.find(text, old, 1, true)
  return string.sub(text, 1, from - 1) .. new .. string.sub(text, to + 1)
end

-- Put the members of a call, those that still want to be sent, into one body. Returns nil when none is left.
local function freeze(keys, call, queue, share, fresh)
  local map, list = prefix .. 'members:' .. call, prefix .. 'gathered:' .. call
  local ids = redis.call('LRANGE', list, 0, -1)
  if #ids == 0 then ids = redis.call('HVALS', map) end
  local parts, pairs_of, seen, tail, expires, weight = {}, {}, {}, nil, nil, 0
  for _, id in ipairs(ids) do
    local record = prefix .. 'record:' .. id
    local m = redis.call('HMGET', record, 'state', 'expires', 'call', 'segments')
    local body = m[1] == 'queued' and (not m[3] or m[3] == call) and redis.call('GET', prefix .. 'body:' .. id)
    if m[1] == 'sending' and not m[3] then
      -- Claimed alone by a worker that had lost it: whoever sees to that attempt needs an entry.
      push(prefix .. 'queue:' .. queue, prefix .. 'queue:' .. queue .. ':wake', id)
      body = nil
    elseif m[1] ~= 'queued' or (m[3] and m[3] ~= call) then
      -- Cancelled, or somebody else's by now.
      body = nil
    elseif m[2] and tonumber(m[2]) <= now then
      end_without_call(id, 'expired')
    elseif not body then
      end_without_call(id, 'failed', 'body_lost')
    else
      local recipient, rest = recipient_of(body)
      local number = string.match(recipient, '"phone_number":"(%+%d+)"')
      if seen[number] then
        -- Never the same number twice in one call: this one gathers again.
        local ready = prefix .. 'queue:' .. queue
        gather(prefix, ready, ready .. ':wake', share, id)
      else
        seen[number] = true
        tail = tail or replaced(rest, '"request_id":"' .. id .. '"', '"request_id":"' .. fresh .. '"')
        parts[#parts + 1] = recipient
        pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = number, id
        if m[3] ~= call then redis.call('HSET', record, 'call', call) end
        if m[2] then expires = math.min(expires or math.huge, tonumber(m[2])) end
        weight = weight + tonumber(m[4] or 1)
      end
    end
  end
  redis.call('DEL', map, list)
  if #parts == 0 then
    redis.call('DEL', keys.record, keys.body)
    return nil
  end
  redis.call('HSET', map, unpack(pairs_of))
  local body = HEAD .. table.concat(parts, ',') .. tail
  redis.call('SET', keys.body, body)
  redis.call('HSET', keys.record, 'members', #parts, 'recipients', #parts, 'weight', weight)
  if expires then redis.call('HSET', keys.record, 'expires', expires) end
  return body, #parts, expires
end

local function claim(id, fresh)
  local keys = keys_of(prefix, id)
  local r = redis.call('HMGET', keys.record, 'state', 'token', 'running', 'doubt', 'first', 'due', 'expires', 'v',
    'recipients', 'members', 'campaign', 'call', 'queue', 'share')
  local state, token, doubt, shared = r[1], tonumber(r[2] or 0), r[4] == '1', r[10]
  if not state then return { 'gone' } end
  if tonumber(r[8]) > version then return { 'newer' } end
  if state ~= 'queued' and state ~= 'sending' then return { 'ended', state } end
  -- A member leaves with its call and never beside it.
  if r[12] then return { 'ended', 'shared' } end

  local member = id .. ':' .. token
  if r[3] then
    local deadline = tonumber(redis.call('ZSCORE', inflight, member) or 0)
    if deadline > now then return { 'wait', math.ceil(deadline - now) } end
  end
  local due, expires = tonumber(r[6] or 0), tonumber(r[7] or math.huge)
  if due > now then return { 'wait', math.ceil(due - now) } end
  if r[11] and state == 'queued' and redis.call('HEXISTS', prefix .. 'campaign:' .. r[11], 'paused') == 1 then
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

  -- A call that is surely not at the gateway is frozen anew: each member's own time to live counts then.
  local thaw = shared and not doubt
  local ended
  if r[5] and now - tonumber(r[5]) > window then
    ended = doubt and 'unknown' or 'failed'
  elseif now >= expires and not thaw then
    ended = doubt and 'unknown' or 'expired'
  elseif not bytes and not thaw then
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

  local recipients = tonumber(r[9] or 1)
  if thaw then
    bytes, recipients, expires = freeze(keys, id, r[13], r[14], fresh)
    if not bytes then return { 'gone' } end
    expires = expires or math.huge
  end
  -- The fetch paid for one recipient.
  if recipients > 1 and per_second > 0 then charge(rate, now, (recipients - 1) * 1000 / per_second) end

  redis.call('HSET', keys.record, 'state', 'sending', 'token', token + 1, 'running', 1, 'first', r[5] or now)
  redis.call('ZADD', inflight, now + lease, id .. ':' .. (token + 1))
  redis.call('ZADD', attempts, now, id)
  local left = expires == math.huge and -1 or math.ceil(expires - now)
  return { 'claimed', token + 1, bytes, doubt and 1 or 0, left }
end

local result = {}
for i = 8, #ARGV, 2 do result[#result + 1] = claim(ARGV[i], ARGV[i + 1]) end
return result

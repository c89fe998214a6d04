-- Claim the next attempt of a send, or say why there is none.
-- KEYS: the transition keys; inflight, attempts, hold, pause, limits, rate
-- ARGV: request_id, record version, lease ms, window ms, retention ms, statuses maxlen, key prefix, default rate
-- Returns one of
--   'claimed', token, body, in doubt 0|1, ms left to live or -1
--   'ended', state          it ended before: nothing left to do
--   'ends', state, code     this call ended it: expired, unknown, failed
--   'wait', ms              too early, sending is held, or another worker has the attempt
--   'newer'                 written by a newer version of the producers: leave it to a newer worker
--   'gone'                  no record under this id
-- Safe to repeat: each claim gets a higher token, and only the highest may finish.
local keys = transition_keys()
local inflight, attempts, hold, pause, limits, rate = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10], KEYS[11]
local id, version, lease, window = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local now = now_ms()
local r = redis.call('HMGET', keys.record, 'state', 'token', 'running', 'doubt', 'first', 'due', 'expires', 'v',
  'recipients')
local state, token, doubt = r[1], tonumber(r[2] or 0), r[4] == '1'
if not state then return { 'gone' } end
if tonumber(r[8]) > version then return { 'newer' } end
if state ~= 'queued' and state ~= 'sending' then return { 'ended', state } end

local member = id .. ':' .. token
if r[3] then
  local deadline = tonumber(redis.call('ZSCORE', inflight, member) or 0)
  if deadline > now then return { 'wait', math.ceil(deadline - now) } end
end
local due, expires = tonumber(r[6] or 0), tonumber(r[7] or math.huge)
if due > now then return { 'wait', math.ceil(due - now) } end

local bytes = redis.call('GET', keys.body)
if r[3] then
  -- The last attempt's worker never reported: its POST may have arrived.
  redis.call('ZREM', inflight, member)
  redis.call('ZREM', attempts, id)
  redis.call('HINCRBY', keys.record, 'attempts', 1)
  redis.call('HSET', keys.record, 'doubt', 1, 'code', 'worker_lost')
  redis.call('HDEL', keys.record, 'running')
  doubt = true
  if bytes then open_numbers(ARGV[7], bytes, id, ARGV[5]) end
end

local ended
if r[5] and now - tonumber(r[5]) > window then
  ended = doubt and 'unknown' or 'failed'
elseif now >= expires then
  ended = doubt and 'unknown' or 'expired'
elseif not bytes then
  redis.call('HSET', keys.record, 'code', 'body_lost')
  ended = doubt and 'unknown' or 'failed'
end
if ended then
  end_record(keys, ended, id, tonumber(ARGV[5]), ARGV[6], now)
  return { 'ends', ended, redis.call('HGET', keys.record, 'code') or '' }
end

-- What was fetched before sending was held goes back; nothing is fetched until it is released.
if redis.call('EXISTS', hold) == 1 then return { 'wait', 1000 } end
local paused = redis.call('PTTL', pause)
if paused > 0 then return { 'wait', paused } end
if r[9] then
  -- The fetch paid for one recipient.
  local per_second = tonumber(redis.call('HGET', limits, 'rate') or ARGV[8])
  if per_second > 0 then charge(rate, now, (tonumber(r[9]) - 1) * 1000 / per_second) end
end

redis.call('HSET', keys.record, 'state', 'sending', 'token', token + 1, 'running', 1)
if not r[5] then redis.call('HSET', keys.record, 'first', now) end
redis.call('ZADD', inflight, now + lease, id .. ':' .. (token + 1))
redis.call('ZADD', attempts, now, id)
local left = expires == math.huge and -1 or math.ceil(expires - now)
return { 'claimed', token + 1, bytes, doubt and 1 or 0, left }

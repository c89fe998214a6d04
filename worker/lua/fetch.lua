-- Take entries off a queue under a lease. Also the queue's whole upkeep, bounded per call: entries whose lease
-- has run out go back to the front, entries that are due join the end.
-- KEYS: ready, delayed, leases, envelopes, wake, seen; and for a queue of sends: hold, pause, limits, rate, alert leases,
--       marketing leases
-- ARGV: owner (of this fetch: a lease is owner:entry id and never comes again), how many at most, lease ms; and for a queue of sends: 'alert' or 'marketing', default rate,
--       default calls in flight
-- Returns ms until it is worth asking again (-1: when woken), then per entry: id, envelope or ''.
local ready, delayed, leases, envelopes, wake_key, seen = unpack(KEYS, 1, 6)
local owner, most, lease, class = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local now = now_ms()

-- When nobody has looked for a while, Redis itself was away, and leases ran out that their living holders could not
-- renew. Those holders get the time to do so before anything is taken from them.
local GRACE = 5000
if now - tonumber(redis.call('GET', seen) or now) > GRACE then
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now + GRACE)) do
    redis.call('ZADD', leases, 'XX', now + GRACE, member)
  end
end
redis.call('SET', seen, now)

for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 128)) do
  redis.call('ZREM', leases, member)
  redis.call('LPUSH', ready, string.match(member, '^[^:]*:(.*)$'))
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 128)) do
  redis.call('ZREM', delayed, id)
  redis.call('RPUSH', ready, id)
end

-- How many sends the account allows now, and ms until it may allow more. Alerts may use all of the calls in flight
-- and run a second ahead of the rate; marketing leaves a fifth of the calls and runs a tenth of a second ahead.
local function admitted(wanted)
  if redis.call('EXISTS', KEYS[7]) == 1 then return 0, 1000, 0 end
  local paused = redis.call('PTTL', KEYS[8])
  if paused > 0 then return 0, paused, 0 end
  local set = redis.call('HMGET', KEYS[9], 'rate', 'in_flight')
  local per_second, in_flight = tonumber(set[1] or ARGV[5]), tonumber(set[2] or ARGV[6])
  local wait = -1
  if in_flight > 0 then
    local cap = in_flight
    if class == 'marketing' and cap > 1 then cap = cap - math.max(1, math.floor(cap / 5)) end
    local free = cap - redis.call('ZCARD', KEYS[11]) - redis.call('ZCARD', KEYS[12])
    if free < wanted then wanted, wait = math.max(0, free), 20 end
  end
  local interval = per_second > 0 and 1000 / per_second or 0
  if interval > 0 then
    local ahead = math.max(0, tonumber(redis.call('GET', KEYS[10]) or 0) - now)
    local room = (class == 'alert' and 1000 or 100) - ahead
    local due = room >= 0 and math.floor(room / interval) + 1 or 0
    if due < wanted then wanted, wait = due, math.max(1, math.ceil(-room)) end
  end
  return wanted, wait, interval
end

local allowed, wait, interval = most, -1, 0
if class and most > 0 then allowed, wait, interval = admitted(most) end
local result = { wait }
local ids = allowed > 0 and redis.call('LPOP', ready, allowed) or {}
for _, id in ipairs(ids) do
  redis.call('ZADD', leases, now + lease, owner .. ':' .. id)
  result[#result + 1] = id
  result[#result + 1] = redis.call('HGET', envelopes, id) or ''
end
if interval > 0 and #ids > 0 then charge(KEYS[10], now, #ids * interval) end

local left = redis.call('LLEN', ready) > 0
if left and allowed == most then wake(wake_key) end
if not left then result[1] = -1 end
for _, key in ipairs({ delayed, leases }) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    local due = math.max(0, math.ceil(tonumber(first[2]) - now))
    if result[1] < 0 or due < result[1] then result[1] = due end
  end
end
return result

-- Take entries off a queue under a lease. Also the queue's whole upkeep, bounded per call: entries whose lease
-- has run out go back to the front, entries that are due join the end.
-- KEYS: ready, delayed, leases, envelopes, wake, seen; and for a queue of sends: hold, pause, limits, rate, flight,
--       alert leases, marketing leases
-- ARGV: owner (of this fetch: a lease is owner:entry id and never comes again), how many at most, lease ms; and for a
--       queue of sends: 'alert' or 'marketing', default rate, default calls in flight, recipients in a shared call at
--       most (1: none is shared), key prefix, record version
-- Returns ms until it is worth asking again (-1: when woken), then per entry: id, envelope or ''.
local ready, delayed, leases, envelopes, wake_key, seen = unpack(KEYS, 1, 6)
local owner, most, lease, class = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local shared, prefix, version = tonumber(ARGV[7]), ARGV[8], ARGV[9]
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
  redis.call('SREM', ending_of(leases), member)
  redis.call('LPUSH', ready, string.match(member, '^[^:]*:(.*)$'))
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 128)) do
  redis.call('ZREM', delayed, id)
  -- What was held until now and never tried gathers as if it were sent now; a call does not, nor what failed here.
  local r = class and redis.call('HMGET', prefix .. 'record:' .. id, 'share', 'token', 'members') or {}
  local share = not r[2] and not r[3] and r[1]
  if share and redis.call('HEXISTS', envelopes, id) == 0 then
    gather(prefix, ready, wake_key, share, id)
  else
    redis.call('RPUSH', ready, id)
  end
end

-- How many sends the account allows now, and ms until it may allow more. Alerts may use all of the calls in flight
-- and run a second ahead of the rate; marketing leaves a fifth of the calls and runs a tenth of a second ahead.
-- What the rate allows beyond one recipient per entry is spare: all shared calls of a fetch draw on it.
local spare = math.huge
local function admitted(wanted)
  if redis.call('EXISTS', KEYS[7]) == 1 then return 0, 1000, 0 end
  local paused = redis.call('PTTL', KEYS[8])
  if paused > 0 then return 0, paused, 0 end
  local set = redis.call('HMGET', KEYS[9], 'rate', 'in_flight')
  local per_second, in_flight = tonumber(set[1] or ARGV[5]), tonumber(set[2] or ARGV[6])
  local wait = -1
  local cap = calls_in_flight(KEYS[11], in_flight)
  if cap > 0 then
    if class == 'marketing' and cap > 1 then cap = cap - math.max(1, math.floor(cap / 5)) end
    local free = cap - calls_out(KEYS[12], KEYS[13])
    if free < wanted then wanted, wait = math.max(0, free), 20 end
  end
  local interval = per_second > 0 and 1000 / per_second or 0
  if interval > 0 then
    local ahead = math.max(0, tonumber(redis.call('GET', KEYS[10]) or 0) - now)
    local room = (class == 'alert' and 1000 or 100) - ahead
    local due = room >= 0 and math.floor(room / interval) + 1 or 0
    if due < wanted then wanted, wait = due, math.max(1, math.ceil(-room)) end
    spare = due
  end
  return wanted, wait, interval
end

-- Turn the token of a share into one call of all that gathered, or into the messages themselves where none may be
-- shared or it is only one. What is left gets a token at the end of the queue: no template keeps the others waiting.
local room
local function gathered(share, number)
  local list = prefix .. 'gather:' .. share
  local ids = redis.call('LPOP', list, math.min(shared > 1 and shared or room + 1, spare + 1))
  if not ids then return {} end
  spare = spare - #ids + 1
  if redis.call('EXISTS', list) == 1 then redis.call('RPUSH', ready, GATHERED .. share) end
  if shared == 1 then room = room - #ids + 1 end
  if shared == 1 or #ids == 1 then return ids end
  -- Longer than any request_id that an application can choose.
  local call = 'call.' .. owner .. '.' .. number
  redis.call('HSET', prefix .. 'record:' .. call, 'v', version, 'state', 'queued', 'queue', class, 'queued', now,
    'share', share, 'recipients', #ids, 'members', #ids)
  redis.call('RPUSH', prefix .. 'gathered:' .. call, unpack(ids))
  return { call }
end

local allowed, wait, interval = most, -1, 0
if class and most > 0 then allowed, wait, interval = admitted(most) end
local ids, popped = {}, allowed > 0 and redis.call('LPOP', ready, allowed) or {}
spare, room = spare - #popped, allowed - #popped
for number, id in ipairs(popped) do
  if class and string.sub(id, 1, 1) == GATHERED then
    for _, each in ipairs(gathered(string.sub(id, 2), number)) do ids[#ids + 1] = each end
  else
    ids[#ids + 1] = id
  end
end
local result = { wait }
if #ids > 0 then
  local members, deadline = {}, now + lease
  for i, id in ipairs(ids) do
    members[2 * i - 1], members[2 * i] = deadline, owner .. ':' .. id
  end
  redis.call('ZADD', leases, unpack(members))
  for i, envelope in ipairs(redis.call('HMGET', envelopes, unpack(ids))) do
    result[2 * i], result[2 * i + 1] = ids[i], envelope or ''
  end
  if interval > 0 then charge(KEYS[10], now, #ids * interval) end
end

local left = redis.call('EXISTS', ready) == 1
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

-- Take entries off a queue under a lease. Also the queue's whole upkeep, bounded per call: entries whose lease
-- has run out go back to the front, entries that are due join the end.
-- KEYS: ready, delayed, leases, envelopes, wake, seen, back; and for a queue of sends: hold, pause, limits, rate, flight,
--       alert leases, marketing leases, alert ready, alert wake
-- ARGV: owner (of this fetch: a lease is owner:entry id and never comes again), how many at most, lease ms; and for a
--       queue of sends: 'alert' or 'marketing', default rate, default calls in flight, recipients in a shared call at
--       most (1: none is shared), key prefix, record version
-- Returns ms until it is worth asking again (-1: when woken), then per entry: id, envelope or ''.
local ready, delayed, leases, envelopes, wake_key, seen, back = unpack(KEYS, 1, 7)
local owner, most, lease, class = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local shared, prefix, version = tonumber(ARGV[7]), ARGV[8], ARGV[9]
local now = now_ms()

tend(ready, leases, wake_key, seen, back, lease, now)

-- After the clock went back, what waits for a second attempt, or for an attempt of others, would wait as much longer; what
-- has a date of its own waits for that. Some of them at a time.
local moved = redis.call('HMGET', back, 'ms', 'after')
if moved[1] then
  local found = redis.call('ZRANGEBYSCORE', delayed, '(' .. moved[2], '+inf', 'WITHSCORES', 'LIMIT', 0, 500)
  for i = 1, #found, 2 do
    local due = class and redis.call('HGET', prefix .. 'record:' .. found[i], 'due')
    if not due or tonumber(due) < tonumber(found[i + 1]) then
      redis.call('ZADD', delayed, 'XX', math.max(now, found[i + 1] - moved[1]), found[i])
    end
  end
  if #found < 1000 then redis.call('DEL', back) else redis.call('HSET', back, 'after', found[1000]) end
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

-- How many calls in flight are free for this queue. A fifth, at least one, is the alerts' alone, whatever marketing has out
-- from a time when the limit was higher; a setting of one call is kept, though. Any other call that is free goes to an
-- alert that waits.
local function free_calls(cap, setting)
  local alone = setting == 1 and 0 or math.max(1, math.floor(cap / 5))
  local out = calls_out(KEYS[13], KEYS[14])
  if class == 'alert' then return math.max(cap - out, alone - held_out(KEYS[13])) end
  local waiting = redis.call('LLEN', KEYS[15])
  if waiting > 0 then wake(KEYS[16]) end
  return math.min(math.max(1, cap - alone), cap - waiting) - out
end

-- How many sends the account allows now, and ms until it may allow more. Alerts run a second ahead of the rate and pay for
-- themselves; marketing runs a tenth of a second ahead and pays for all.
-- What the rate allows beyond one recipient per entry is spare: all shared calls of a fetch draw on it.
local spare = math.huge
local function admitted(wanted)
  if redis.call('EXISTS', KEYS[8]) == 1 then return 0, 1000, 0 end
  local paused = pause_left(KEYS[9], now)
  if paused > 0 then return 0, paused, 0 end
  local set = redis.call('HMGET', KEYS[10], 'rate', 'in_flight')
  local per_second, in_flight = tonumber(set[1] or ARGV[5]), tonumber(set[2] or ARGV[6])
  local wait = -1
  local cap = calls_in_flight(KEYS[12], in_flight)
  if cap > 0 then
    local free = free_calls(cap, in_flight)
    if free < wanted then wanted, wait = math.max(0, free), 20 end
  end
  local interval = per_second > 0 and 1000 / per_second or 0
  if interval > 0 then
    local all, alert = debts(KEYS[11], now)
    local room = class == 'alert' and 1000 - alert or 100 - all
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
  -- No request_id that an application can choose begins like this.
  local call = '@' .. owner .. '.' .. number
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
  if interval > 0 then charge(KEYS[11], now, #ids * interval, class) end
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

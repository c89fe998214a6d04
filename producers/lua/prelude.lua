-- Shared by all scripts: put in front of each by producers/scripts.py.

-- Milliseconds since the epoch by Redis's clock, the only clock that decides anything.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- ISO 8601 UTC with milliseconds. Days to civil date after Howard Hinnant's public algorithm.
local function stamp(ms)
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, math.floor(rest / 3600),
    math.floor(rest / 60) % 60, rest % 60, ms % 1000)
end

-- Wake one idle consumer. A few tokens are enough: a consumer that finds more than it can hold passes one on.
local function wake(wake_key)
  if redis.call('LLEN', wake_key) < 16 then redis.call('RPUSH', wake_key, '1') end
end

-- Put an entry at the end of a queue.
local function push(ready_key, wake_key, id)
  redis.call('RPUSH', ready_key, id)
  wake(wake_key)
end

-- Tell the applications about the state a record is in.
local function announce(keys, maxlen, request_id, now)
  local r = redis.call('HMGET', keys.record, 'state', 'ticket', 'code', 'message', 'cost', 'segments', 'attempts',
    'context')
  redis.call('XADD', keys.statuses, 'MAXLEN', '~', maxlen, '*', 'v', '1', 'request_id', request_id,
    'state', r[1] or '', 'ticket', r[2] or '', 'code', r[3] or '', 'message', r[4] or '', 'cost', r[5] or '',
    'segments', r[6] or '', 'attempt', r[7] or '0', 'at', stamp(now), 'context', r[8] or '')
end

-- The keys that every transition of a record takes, in this order, as the first of its KEYS.
local function transition_keys()
  return { record = KEYS[1], body = KEYS[2], statuses = KEYS[3], counts = KEYS[4], parked = KEYS[5] }
end

-- Move a record to an end state, count it, tell the applications. The body goes at once where no repeat can need
-- it; after rejected, failed and unknown a person may still decide to send again: there it stays as long as the
-- record, and the record can be found among the parked.
local PARKED = { rejected = true, failed = true, unknown = true }
local function end_record(keys, state, request_id, retention_ms, maxlen, now)
  local before = redis.call('HGET', keys.record, 'state')
  if PARKED[before] then redis.call('HINCRBY', keys.counts, before, -1) end
  redis.call('HINCRBY', keys.counts, state, 1)
  redis.call('HSET', keys.record, 'state', state, 'ended', now)
  redis.call('HDEL', keys.record, 'running', 'doubt')
  redis.call('PEXPIRE', keys.record, retention_ms)
  if PARKED[state] then
    redis.call('PEXPIRE', keys.body, retention_ms)
    redis.call('ZADD', keys.parked, now, request_id)
    redis.call('ZREMRANGEBYSCORE', keys.parked, '-inf', now - retention_ms)
  else
    redis.call('DEL', keys.body)
    redis.call('ZREM', keys.parked, request_id)
  end
  announce(keys, maxlen, request_id, now)
end

-- Sends whose acceptance is possible but whose ticket is unknown can be found by number, so that the first
-- receipt or reply can supply the ticket. The index key is derived from the body: same slot, not declared.
local function open_numbers(prefix, body, id, retention_ms)
  if body == '' then return end
  for _, recipient in ipairs(cjson.decode(body).recipients) do
    local key = prefix .. 'open:' .. redis.sha1hex(recipient.phone_number)
    redis.call('SADD', key, id)
    redis.call('PEXPIRE', key, retention_ms)
  end
end

local function close_numbers(prefix, body, id)
  if body == '' then return end
  for _, recipient in ipairs(cjson.decode(body).recipients) do
    redis.call('SREM', prefix .. 'open:' .. redis.sha1hex(recipient.phone_number), id)
  end
end

-- Use up time of the rate limit: its key holds the instant at which it is next free.
local function charge(rate_key, now, ms)
  local free = math.max(now, tonumber(redis.call('GET', rate_key) or 0)) + ms
  redis.call('SET', rate_key, string.format('%.3f', free), 'PX', math.ceil(free - now) + 1000)
end

-- What the account allows now: the rate, pauses, calls in flight.

-- The rate limit is kept as debts in ms, which time pays off: one of all sends, which marketing waits for, and one of the alerts
-- alone, so that no alert waits for what marketing owes. There is no deadline in it that a clock set back could move away: time
-- that seems to begin in the future begins now.
local function debts()
  local key = prefix .. 'rate'
  local r = read(key, 'all', 'alert', 'at')
  local at = tonumber(r.at or now)
  if at > now then redis.call('HSET', key, 'at', now) end
  local paid = math.max(0, now - at)
  return math.max(0, tonumber(r.all or 0) - paid), math.max(0, tonumber(r.alert or 0) - paid)
end

-- The limits that are set live: rate in recipients per second, in_flight in calls; 0 for no limit.
local limits_found
local function live_limits()
  limits_found = limits_found or read(prefix .. 'limits', 'rate', 'in_flight')
  return limits_found
end

-- What a recipient owes to the rate, or 0. Takes rate, where none is set live, from what the script is given.
local function ms_per_recipient()
  local per_second = tonumber(live_limits().rate or given.rate)
  return per_second > 0 and 1000 / per_second or 0
end

-- Let the sends of a queue owe the rate for some recipients.
local function charge(recipients, queue_name)
  local ms = recipients > 0 and recipients * ms_per_recipient() or 0
  if ms == 0 then return end
  local key, all, alert = prefix .. 'rate', debts()
  all, alert = all + ms, queue_name == 'alert' and alert + ms or alert
  redis.call('HSET', key, 'all', string.format('%.3f', all), 'alert', string.format('%.3f', alert), 'at', now)
  redis.call('PEXPIRE', key, math.ceil(all) + 1000)
end

-- Milliseconds that a pause still lasts. The expiry of its key moves with the clock; this is never more than was asked for.
local function pause_left()
  local key = prefix .. 'pause'
  local r = read(key, 'at', 'ms')
  if not r.at then return 0 end
  local at, ms = tonumber(r.at), tonumber(r.ms)
  if at > now then
    redis.call('HSET', key, 'at', now)
    at = now
  end
  return math.max(0, at + ms - now)
end

-- The calls that may be in flight now: the setting, or fewer while the gateway shows strain; 0 for any number.
local function calls_in_flight(setting)
  local limit = tonumber(redis.call('HGET', prefix .. 'strain', 'limit') or nil)
  if not limit then return setting end
  limit = math.max(1, math.floor(limit))
  return setting > 0 and math.min(limit, setting) or limit
end
-- uses: clock

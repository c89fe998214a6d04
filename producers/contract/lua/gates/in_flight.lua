-- No more calls are in flight than the limit, which is lower while the gateway shows strain. Takes in_flight, where none is set
-- live, from what the script is given.
local in_flight_gate = new_gate('in_flight')

-- A call takes milliseconds: soon one is free.
local FREE_SOON_MS = 20

-- How many calls are free for a queue. A fifth of the limit, at least one call, is reserved for alerts, also while marketing still
-- has more out from a higher limit. With a setting of 1 nothing is reserved. Any other free call goes to a waiting alert first.
local function free_calls(limit, setting, queue_name)
  local reserved = setting == 1 and 0 or math.max(1, math.floor(limit / 5))
  local alert, marketing = queue_keys('alert'), queue_keys('marketing')
  local alerts_out = at_work(alert)
  local out = alerts_out + at_work(marketing)
  if queue_name == 'alert' then return math.max(limit - out, reserved - alerts_out) end
  local waiting = redis.call('LLEN', alert.ready)
  if waiting > 0 then wake_consumer(alert) end
  return math.min(math.max(1, limit - reserved), limit - waiting) - out
end

function in_flight_gate.room(wanted, queue_name)
  if wanted == 0 then return 0 end
  local setting = tonumber(live_limits().in_flight or given.in_flight)
  local limit = calls_in_flight(setting)
  if limit == 0 then return wanted end
  return math.max(0, free_calls(limit, setting, queue_name)), FREE_SOON_MS
end
-- uses: queue leases limits admission

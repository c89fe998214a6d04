-- What sends have cost and may still cost, in whole micro-euros, by scope: 'account', 'app:<name>'. A claim reserves the estimate of
-- its send in the day of Paris in which it is made; the record says which in `charged`. The end of the send turns what was reserved
-- into what was spent. An acceptance of which nobody knows the price, and what is unknown, count as spent by their estimate.

local MICRO = 1000000

-- Write a number without an exponent and a fraction. The same few are written for all messages of a script.
local written = {}
local function whole(number)
  local known = written[number]
  if not known then
    known = string.format('%.0f', number)
    written[number] = known
  end
  return known
end

local function spend_key(scope, day)
  return prefix .. 'spend:' .. scope .. ':' .. day
end

-- Of which level people are told who has used so much of a limit: 100, 80, 50 or 0 percent.
local function level_of(used, limit)
  local percent = limit > 0 and used * 100 / limit or 0
  return percent >= 100 and 100 or percent >= 80 and 80 or percent >= 50 and 50 or 0
end

local function settle_in(scope, day, estimate, booked)
  local spend = spend_key(scope, day)
  if redis.call('HINCRBY', spend, 'reserved', whole(0 - estimate)) < 0 then redis.call('HSET', spend, 'reserved', 0) end
  if booked > 0 then redis.call('HINCRBY', spend, 'spent', whole(booked)) end
end

-- What a send counts as spent that came to this state. Takes estimate and cost of its record.
local function booked_of(r, state)
  if state ~= 'accepted' and state ~= 'unknown' then return 0 end
  return r.cost and math.floor(tonumber(r.cost) * MICRO + 0.5) or tonumber(r.estimate or 0)
end

-- What a send may cost of whose segments some are left, for fewer people get it.
local function shrunk(estimate, left, segments)
  return math.ceil(tonumber(estimate) * left / segments)
end

-- What was estimated and what it came to, of sends whose price the gateway has named. finish.lua writes it down, and tells a drift.
local compared = { count = 0, estimated = 0, booked = 0 }

-- Settle what the claim of a send has reserved. Its caller removes `charged`. Takes charged, estimate, app and cost of its record.
local function settle(r, state)
  if not r.charged then return end
  local estimate, booked = tonumber(r.estimate or 0), booked_of(r, state)
  settle_in('account', r.charged, estimate, booked)
  if r.app then settle_in('app:' .. r.app, r.charged, estimate, booked) end
  if r.cost and state == 'accepted' and estimate > 0 then
    compared.count, compared.estimated, compared.booked = compared.count + 1, compared.estimated + estimate, compared.booked + booked
  end
end

-- Budgets of a day: whether a send fits into what may still be spent, and what its claim reserves. Takes money (days: each name,
-- begin and end in ms; account, app, hard: limits in micro-euros, 0 for none; unknown: price of a segment that nobody knows; stop)
-- from what the script is given; without money nothing is counted.

local KEPT_MS = 40 * 86400000

-- The day of Paris by Redis's clock. Of a worker whose clock is days away it is the last one that the worker named.
local today_found
local function today()
  if today_found then return today_found end
  for _, day in ipairs(given.money.days) do
    today_found = { name = day[1], ends = day[3] }
    if now < day[3] then break end
  end
  return today_found
end

-- The limits: those of the settings, unless somebody has set others while workers run.
local limits_of_today
local function budget_limits()
  if limits_of_today then return limits_of_today end
  local set = read(prefix .. 'budgets', 'account', 'app', 'hard')
  limits_of_today = { account = tonumber(set.account or given.money.account), app = tonumber(set.app or given.money.app),
    hard = tonumber(set.hard or given.money.hard) }
  return limits_of_today
end

-- What a scope has used today. It is read once in a script, and then counted along.
local purses = {}
local function purse_of(scope)
  if purses[scope] then return purses[scope] end
  local s = read(spend_key(scope, today().name), 'reserved', 'spent', 'alarmed', 'alarmed_hard', 'limit', 'hard')
  purses[scope] = { used = tonumber(s.reserved or 0) + tonumber(s.spent or 0),
    alarmed = tonumber(s.alarmed or 0), alarmed_hard = tonumber(s.alarmed_hard or 0), limit = tonumber(s.limit),
    hard = tonumber(s.hard), is_new = not s.reserved, scope = scope, reserves = 0 }
  return purses[scope]
end

-- The purses that the sends of an application are paid from, each with its limit and with the hard one, 0 for none.
local purses_by_app = {}
local function purses_of(app)
  if purses_by_app[app] then return purses_by_app[app] end
  local limits = budget_limits()
  local found = { { purse = purse_of('account'), limit = limits.account, hard = limits.hard } }
  if app ~= '' then found[2] = { purse = purse_of('app:' .. app), limit = limits.app, hard = 0, app = app } end
  purses_by_app[app] = found
  return found
end

-- What a send costs by the price of its tariff, in micro-euros, or by another price where nobody knows that one: nil without either.
local function cost_of(send, unknown)
  local body = body_of(send) or ''
  if string.find(body, '"simulation_mode":true', 1, true) then return 0 end
  local _, segments, price = price_of(send.keys, body)
  if not (price or unknown) then return nil end
  return (price and math.floor(price * MICRO + 0.5) or segments * unknown) + cost_besides(body, segments)
end

-- What a send may cost, in micro-euros: as its producer said, or by what its tariff cost lately.
local function estimate_of(send)
  send.estimate = send.estimate or tonumber(send.record.estimate) or cost_of(send, given.money.unknown)
  return send.estimate
end

-- What a send may cost was said when it was queued, perhaps before anybody knew a price: what is dearer than its tariff is now costs
-- what that says. Else it would wait for ever for a budget that it does not need.
local function lower_to_price(send)
  if not send.record.estimate then return end
  local estimate, at_price = estimate_of(send), cost_of(send)
  if not at_price or at_price >= estimate then return end
  redis.call('HSET', send.keys.record, 'estimate', whole(at_price))
  if send.record.campaign then give_back_reserve(campaign_key(send.record.campaign), estimate - at_price) end
  send.estimate, send.record.estimate = at_price, whole(at_price)
end

-- A day that has nothing but alarms must not stay for ever either.
local function keep_day(purse)
  redis.call('PEXPIRE', spend_key(purse.scope, today().name), KEPT_MS, 'NX')
end

-- Tell once a day of each level that a scope comes to: 50, 80 and 100 % of its limit.
local function tell_level(each, level)
  local purse = each.purse
  level = level or level_of(purse.used, each.limit)
  if level <= purse.alarmed then return end
  purse.alarmed = level
  redis.call('HSET', spend_key(purse.scope, today().name), 'alarmed', level)
  keep_day(purse)
  alarm('budget', purse.scope, level, in_euros(purse.used), in_euros(each.limit))
end

local function tell_hard_level(each, level)
  local purse = each.purse
  level = level or level_of(purse.used, each.hard)
  if level <= purse.alarmed_hard then return end
  purse.alarmed_hard = level
  redis.call('HSET', spend_key(purse.scope, today().name), 'alarmed_hard', level)
  keep_day(purse)
  alarm('budget', 'hard', level, in_euros(purse.used), in_euros(each.hard))
end

-- Whether a send fits into what is left today: nil if it does, else 'hard' or 'soft'. Somebody is told.
local function over_budget(send)
  local estimate, over = estimate_of(send), nil
  if estimate == 0 then return nil end
  for _, each in ipairs(purses_of(send.record.app or '')) do
    local used = each.purse.used + estimate
    if each.limit > 0 and used > each.limit then
      over = over or 'soft'
      tell_level(each, 100)
    end
    if each.hard > 0 and used > each.hard then
      over = 'hard'
      tell_hard_level(each, 100)
    end
  end
  return over
end

-- How much may still be spent today, of the budgets that may keep a send: of an alert that leaves beyond a budget only the hard one.
local function room_of(send, leaves_beyond)
  local room = math.huge
  for _, each in ipairs(purses_of(send.record.app or '')) do
    if each.limit > 0 and not leaves_beyond then room = math.min(room, each.limit - each.purse.used) end
    if each.hard > 0 then room = math.min(room, each.hard - each.purse.used) end
  end
  return room
end

-- Reserve what a send may cost in the purses that it is paid from, once until it is settled. note_reserved writes it into the purses.
local function reserve(send)
  local record = send.record
  if not given.money or record.charged then return end
  local estimate = estimate_of(send)
  -- A slice that nobody has estimated before is reserved in its campaign now: its end gives that back.
  if record.campaign and not record.estimate and estimate > 0 then
    redis.call('HINCRBY', campaign_key(record.campaign), 'reserved', whole(estimate))
  end
  for _, each in ipairs(purses_of(record.app or '')) do
    local purse = each.purse
    purse.used, purse.reserves, purse.paid_as = purse.used + estimate, purse.reserves + estimate, each
    tell_level(each)
    tell_hard_level(each)
  end
  redis.call('HSET', send.keys.record, 'charged', today().name, 'estimate', whole(estimate))
end

-- Write down what this script has reserved.
local function note_reserved()
  for scope, purse in pairs(purses) do
    local spend, each = spend_key(scope, today().name), purse.paid_as
    if each then
      redis.call('HINCRBY', spend, 'reserved', whole(purse.reserves))
      if purse.is_new then
        redis.call('PEXPIRE', spend, KEPT_MS)
        if each.app then redis.call('ZADD', prefix .. 'apps', now, each.app) end
      end
      if purse.limit ~= each.limit or purse.hard ~= each.hard then
        redis.call('HSET', spend, 'limit', whole(each.limit), 'hard', whole(each.hard))
      end
    end
  end
end
-- uses: keys clock campaign spending alarms prices send

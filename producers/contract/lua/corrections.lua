-- What a receipt says that a segment has cost. It takes the place of what was booked for its recipient, once. Takes retention_ms from
-- what the script is given.

-- Euros of a segment that no receipt is believed to mean: none costs so much, and one in cents would say so.
local NO_SEGMENT_COSTS = 1

-- Where a recipient stands among those of a send, and how many of its segments are his own; nil if he is none of them. Takes to,
-- weights, segments and erased of its record: of a send that somebody was erased from the places are no more those of weights.
local function share_of(r, pseudonyms)
  if r.erased then return nil end
  local place, sum, found, own = 0, 0, nil, 0
  for each in string.gmatch(r.to or '', '%S+') do
    place = place + 1
    local weight = tonumber(string.sub(r.weights or '', place, place)) or 1
    sum = sum + weight
    for _, pseudonym in ipairs(pseudonyms) do
      if each == pseudonym then found, own = place, weight end
    end
  end
  return found, found and tonumber(r.segments or 1) * own / sum
end

-- A day and a campaign that are forgotten must not come back.
local function correct_day(scope, day, by)
  local spend = spend_key(scope, day)
  if redis.call('EXISTS', spend) == 1 then redis.call('HINCRBY', spend, 'spent', whole(by)) end
end

local function correct_campaign(campaign, by)
  if redis.call('EXISTS', campaign) == 1 then redis.call('HINCRBY', campaign, 'spent', whole(by)) end
end

-- Correct what was booked for one recipient of a send of ours. Of a member of a shared call it was booked for the call.
local function correct_spent(id, pseudonyms, unit_price)
  local price = tonumber(unit_price)
  if not (price >= 0 and price < NO_SEGMENT_COSTS) then return end
  local own = read(keys_of(id).record, 'state', 'call', 'booked', 'estimate', 'cost', 'segments', 'to', 'weights', 'app', 'campaign',
    'erased')
  local at, all = own, own.segments
  if own.call then
    at = read(keys_of(own.call).record, 'booked', 'estimate', 'cost', 'weight', 'app')
    all = at.weight
  end
  local in_campaign = own.campaign and own.estimate and own.state == 'accepted'
  if not (at.booked or in_campaign) then return end
  local place, segments = share_of(own, pseudonyms)
  if not place then return end
  local once = prefix .. 'corrected:' .. id
  if redis.call('SETBIT', once, place, 1) == 1 then return end
  redis.call('PEXPIRE', once, given.retention_ms)
  -- What is taken away was added before, and is rounded down: no sum comes below nothing.
  local by = math.floor(price * MICRO * segments + 0.5) - math.floor(booked_of(at, 'accepted') * segments / tonumber(all or 1))
  if at.booked then
    correct_day('account', at.booked, by)
    if at.app then correct_day('app:' .. at.app, at.booked, by) end
  end
  if in_campaign then correct_campaign(campaign_key(own.campaign), by) end
end
-- uses: keys spending

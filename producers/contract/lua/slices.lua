-- Slices of a campaign that are about to be queued. Takes ids and campaign (of the messages of one slice, one a zone; see
-- enqueue.lua), budget (micro-euros that the campaign may cost, or nil), retention_ms and maxlen from what the script is given.

-- The zones of the slice that is given, as its campaign notes them.
local function zones_given()
  local zones = {}
  for i, id in ipairs(given.ids) do
    local _, zone = slice_of(id, given.campaign[i])
    zones[i] = zone
  end
  return table.concat(zones, ' ')
end

-- Note in a campaign a slice that is queued in this step.
local function note_slice(id, slice, recipients)
  local campaign = campaign_key(id)
  note_start(id)
  redis.call('HINCRBY', campaign, 'recipients', recipients)
  if slice >= tonumber(redis.call('HGET', campaign, 'slices') or 0) then redis.call('HSET', campaign, 'slices', slice + 1) end
  redis.call('HDEL', campaign, 'complete')
  local zones = zones_given()
  -- Nothing is noted of a slice that lies in the mainland.
  if zones ~= '-' then redis.call('HSET', campaign_zones_key(campaign), slice, zones) end
  keep_campaign(campaign)
end

-- Whether a slice was queued before, with other zones than now.
local function has_moved(campaign, campaign_id, slice)
  local zones, noted = zones_given(), redis.call('HGET', campaign_zones_key(campaign), slice)
  if noted then return noted ~= zones end
  if zones == '-' then return false end
  return has_ended(campaign, slice, '-') or redis.call('EXISTS', keys_of(campaign_id .. '.' .. slice).record) == 1
end

-- What a campaign says about a slice. A run that is at work must not outlive what it was told of the slices before.
local moved
local function remembered(campaign, campaign_id, slice, zone)
  if redis.call('PEXPIRE', campaign, given.retention_ms, 'GT') == 1 then end_together(campaign) end
  if is_cancelled(campaign) then return 'stopped' end
  if moved == nil then moved = has_moved(campaign, campaign_id, slice) end
  return moved and 'conflict' or has_ended(campaign, slice, zone) and 'ended'
end

local function over_limit(limit, used)
  return whole(limit) .. ' ' .. whole(used)
end

-- Reserve micro-euros in a campaign. Returns why that cannot be: its limit, and what would be used then. Without a limit they are
-- reserved, too: somebody may set one later, and the end of the slice gives back what it has reserved.
local function reserve_in_campaign(campaign, estimate)
  local c = read(campaign, 'limit', 'asked', 'reserved', 'spent', 'alarmed')
  local said = given.budget and whole(given.budget)
  -- A run says at each slice what it was given. What an operator has set since then stays until a run is given something else.
  local limit = said and said ~= c.asked and given.budget or tonumber(c.limit)
  local used = tonumber(c.reserved or 0) + tonumber(c.spent or 0) + estimate
  local does_not_fit = limit and used > limit
  -- A campaign that never began leaves nothing behind, but that its run has failed.
  if does_not_fit and redis.call('EXISTS', campaign) == 0 then return over_limit(limit, used) end
  if not does_not_fit then redis.call('HINCRBY', campaign, 'reserved', whole(estimate)) end
  -- Also of a run that comes to nothing: else what an operator sets then would not hold when it is run again.
  if said then redis.call('HSET', campaign, 'asked', said) end
  if not limit then return nil end
  redis.call('HSET', campaign, 'limit', whole(limit))
  local level = does_not_fit and 100 or level_of(used, limit)
  -- Of another budget nothing was told yet.
  if level > (tonumber(c.limit) == limit and tonumber(c.alarmed or 0) or 0) then
    redis.call('HSET', campaign, 'alarmed', level)
    alarm('budget', string.sub(campaign, #prefix + 1), level, in_euros(used), in_euros(limit))
  end
  return does_not_fit and over_limit(limit, used) or nil
end

-- Why a slice may not be queued: with it the campaign would cost more than its budget. Else the estimates of those of its messages that
-- are not there yet are reserved, of all at once: a slice is queued whole or not at all. estimate_at gives that of the message at a place.
local is_weighed, over_facts
local function over_campaign_budget(campaign, campaign_id, estimate_at)
  if not is_weighed then
    is_weighed = true
    local sum = 0
    for i, id in ipairs(given.ids) do
      local slice, zone = slice_of(id, campaign_id)
      local is_there = redis.call('EXISTS', key_of_record(id)) == 1 or has_ended(campaign, slice, zone)
      if not is_there then sum = sum + (estimate_at(i) or 0) end
    end
    over_facts = reserve_in_campaign(campaign, sum)
  end
  return over_facts
end
-- uses: keys campaign spending alarms

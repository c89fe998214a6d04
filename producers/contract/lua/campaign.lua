-- A campaign is a hash, and beside it a bitmap of the slices that have ended. The bitmap tells a slice whose record is gone since it
-- ended long ago from a slice that was lost, or never queued. A slice of marketing whose recipients are not all in the mainland is
-- one message a zone: another hash has the zones of such slices, and which of these messages have ended. All three are kept and
-- forgotten together. A list holds what waits while the campaign is paused. Takes retention_ms from what the script is given.

local function ended_key(campaign)
  return campaign .. ':ended'
end

local function campaign_zones_key(campaign)
  return prefix .. 'campaign_zones:' .. string.sub(campaign, #campaign_key('') + 1)
end

-- The number of the slice that a message is, or is a part of; and the zone in its name, or '-' for the mainland and for alerts.
local function slice_of(id, campaign_id)
  local number, zone = string.match(string.sub(id, #campaign_id + 2), '^(%d+)%.?(.*)$')
  return tonumber(number), zone ~= '' and zone or '-'
end

local function note_ended(campaign, number, zone)
  if zone == '-' then
    redis.call('SETBIT', ended_key(campaign), number, 1)
  else
    redis.call('HSET', campaign_zones_key(campaign), number .. '.' .. zone, 1)
  end
end

local function has_ended(campaign, number, zone)
  if zone == '-' then return redis.call('GETBIT', ended_key(campaign), number) == 1 end
  return redis.call('HEXISTS', campaign_zones_key(campaign), number .. '.' .. zone) == 1
end

local function waiting_key(campaign)
  return campaign .. ':waiting'
end

-- Note the start of a campaign, once, also in the list of all of them. The list ends somewhere; and of the oldest those go that are
-- forgotten.
local function note_start(id)
  local campaigns, MOST, LOOKED_AT = prefix .. 'campaigns', 10000, 8
  if redis.call('HSETNX', campaign_key(id), 'started', now) == 0 then return end
  redis.call('ZADD', campaigns, now, id)
  redis.call('ZREMRANGEBYRANK', campaigns, 0, -MOST - 1)
  for _, oldest in ipairs(redis.call('ZRANGE', campaigns, 0, LOOKED_AT - 1)) do
    if redis.call('EXISTS', campaign_key(oldest)) == 0 then redis.call('ZREM', campaigns, oldest) end
  end
end

-- What keeps the messages of a campaign from leaving: 'stopped' since somebody has cancelled it, 'paused', also since not all of its
-- parts are there, or nil.
local function halt_of(campaign)
  local set = read(campaign, 'paused', 'stopped', 'uploading')
  return set.stopped and 'stopped' or (set.paused or set.uploading) and 'paused' or nil
end

-- Whether somebody has cancelled a campaign.
local function is_cancelled(campaign)
  return halt_of(campaign) == 'stopped'
end

-- Whether all messages of a campaign have ended, and its fields that say whether there will be more.
local function all_ended(campaign)
  local c = read(campaign, 'recipients', 'complete', 'stopped', unpack(ENDS))
  local left = tonumber(c.recipients or 0)
  for _, state in ipairs(ENDS) do left = left - tonumber(c[state] or 0) end
  return left <= 0, c
end

-- Whether nothing more comes of a campaign by itself: no message of it waits, and a run has come to its end or somebody has
-- cancelled it.
local function is_over(campaign)
  local ended, c = all_ended(campaign)
  return ended and (not c.recipients or c.complete or c.stopped) and true or false
end

-- Whether a campaign has come to its end without a cancel: nothing is left that a pause or a cancel could keep.
local function is_done(campaign)
  local ended, c = all_ended(campaign)
  return ended and c.complete and not c.stopped
end

-- Count recipients of a slice who are left out of it, since they want no more SMS. To the campaign they are cancelled; a slice that
-- ends with them counts them there itself.
local function note_left_out(campaign, count, ends)
  if not ends then redis.call('HINCRBY', campaign, 'cancelled', count) end
  redis.call('HINCRBY', campaign, 'suppressed', count)
end

-- Micro-euros of the budget of a campaign are reserved no more.
local function give_back_reserve(campaign, micros)
  if redis.call('HINCRBY', campaign, 'reserved', whole(0 - micros)) < 0 then redis.call('HSET', campaign, 'reserved', 0) end
end

-- Settle what a slice has reserved of the budget of its campaign. What is unknown stays reserved until somebody knows. Takes estimate
-- and cost of its record.
local function settle_campaign(campaign, r, state)
  if state == 'unknown' then return end
  give_back_reserve(campaign, tonumber(r.estimate))
  local booked = booked_of(r, state)
  if booked > 0 then redis.call('HINCRBY', campaign, 'spent', whole(booked)) end
end

-- Let a send that was not taken cost less, for fewer people get it. Takes estimate and campaign of its record, and its segments before
-- and after. Returns its estimate; nil where nothing is estimated.
local function lower_estimate(keys, r, segments, left)
  if not r.estimate then return nil end
  local estimate = shrunk(r.estimate, left, segments)
  redis.call('HSET', keys.record, 'estimate', whole(estimate))
  if r.campaign then give_back_reserve(campaign_key(r.campaign), tonumber(r.estimate) - estimate) end
  return estimate
end

local function keep_campaign(campaign)
  redis.call('PERSIST', campaign)
  redis.call('PERSIST', ended_key(campaign))
  redis.call('PERSIST', campaign_zones_key(campaign))
end

-- Let what is beside the hash end with it.
local function end_together(campaign)
  local at = redis.call('PEXPIRETIME', campaign)
  redis.call('PEXPIREAT', ended_key(campaign), at)
  redis.call('PEXPIREAT', campaign_zones_key(campaign), at)
end

-- Keep a campaign without limit until it is over, with its pause: the next run must know whom the last one has reached. Then keep
-- it as long as any of its records.
local function expire_campaign(campaign)
  if not is_over(campaign) then return keep_campaign(campaign) end
  if redis.call('PTTL', campaign) < given.retention_ms then redis.call('PEXPIRE', campaign, given.retention_ms) end
  end_together(campaign)
end
-- uses: keys clock states spending

-- A campaign is a hash, and beside it a bitmap of the slices that have ended. The bitmap tells a slice whose record is gone since it
-- ended long ago from a slice that was lost, or never queued. Both are kept and forgotten together. A list holds what waits while
-- the campaign is paused. Takes retention_ms from what the script is given.

local function ended_key(campaign)
  return campaign .. ':ended'
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

-- What keeps the messages of a campaign from leaving: 'stopped' since somebody has cancelled it, 'paused', or nil.
local function halt_of(campaign)
  local set = read(campaign, 'paused', 'stopped')
  return set.stopped and 'stopped' or set.paused and 'paused' or nil
end

-- Whether somebody has cancelled a campaign.
local function is_cancelled(campaign)
  return halt_of(campaign) == 'stopped'
end

-- Whether nothing more comes of a campaign by itself: no message of it waits, and a run has come to its end or somebody has
-- cancelled it.
local function is_over(campaign)
  local c = read(campaign, 'recipients', 'complete', 'stopped', unpack(ENDS))
  local left = tonumber(c.recipients or 0)
  for _, state in ipairs(ENDS) do left = left - tonumber(c[state] or 0) end
  return left <= 0 and (not c.recipients or c.complete or c.stopped) and true or false
end

-- Settle what a slice has reserved of the budget of its campaign. What is unknown stays reserved until somebody knows. Takes estimate
-- and cost of its record.
local function settle_campaign(campaign, r, state)
  if state == 'unknown' then return end
  if redis.call('HINCRBY', campaign, 'reserved', whole(0 - tonumber(r.estimate))) < 0 then redis.call('HSET', campaign, 'reserved', 0) end
  local booked = booked_of(r, state)
  if booked > 0 then redis.call('HINCRBY', campaign, 'spent', whole(booked)) end
end

local function keep_campaign(campaign)
  redis.call('PERSIST', campaign)
  redis.call('PERSIST', ended_key(campaign))
end

-- Let the bitmap end with its campaign.
local function end_together(campaign)
  redis.call('PEXPIREAT', ended_key(campaign), redis.call('PEXPIRETIME', campaign))
end

-- Keep a campaign without limit until it is over, with its pause: the next run must know whom the last one has reached. Then keep
-- it as long as any of its records.
local function expire_campaign(campaign)
  if not is_over(campaign) then return keep_campaign(campaign) end
  if redis.call('PTTL', campaign) < given.retention_ms then redis.call('PEXPIRE', campaign, given.retention_ms) end
  end_together(campaign)
end
-- uses: keys clock states spending

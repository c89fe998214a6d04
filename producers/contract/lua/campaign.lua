-- A campaign is a hash, and beside it a bitmap of the slices that have ended: it tells a slice whose record is gone since it ended
-- long ago from one that was lost, or never queued. Both are kept and forgotten together.

local function campaign_key(id)
  return prefix .. 'campaign:' .. id
end

local function ended_key(campaign)
  return campaign .. ':ended'
end

local function keep_campaign(campaign)
  redis.call('PERSIST', campaign)
  redis.call('PERSIST', ended_key(campaign))
end

-- Let the bitmap end with its campaign.
local function end_together(campaign)
  redis.call('PEXPIREAT', ended_key(campaign), redis.call('PEXPIRETIME', campaign))
end

-- Whether somebody has cancelled a campaign.
local function is_cancelled(campaign)
  return redis.call('HEXISTS', campaign, 'stopped') == 1
end

-- Keep a campaign without limit while a message of it waits, however long, with its pause; and until a run has come to its end or
-- somebody has cancelled it: the next run must know whom the last one has reached. Then keep it as long as any of its records.
local function settle_campaign(campaign)
  local c = read(campaign, 'recipients', 'complete', 'stopped', unpack(ENDS))
  local left = tonumber(c.recipients or 0)
  for _, state in ipairs(ENDS) do left = left - tonumber(c[state] or 0) end
  if left > 0 or (c.recipients and not (c.complete or c.stopped)) then return keep_campaign(campaign) end
  if redis.call('PTTL', campaign) < given.retention_ms then redis.call('PEXPIRE', campaign, given.retention_ms) end
  end_together(campaign)
end
-- uses: states

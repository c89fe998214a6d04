-- Start no further attempts of a campaign: for now, or for good.
-- Given: campaign, how ('pause' or 'cancel'), retention_ms
-- Returns 'paused' | 'stopped' (cancelled now or before) | 'unknown_id'. Safe to repeat.
-- uses: keys campaign
local campaign = campaign_key(given.campaign)
if redis.call('EXISTS', campaign) == 0 then return 'unknown_id' end
-- A message that a cancel does not reach, since the cancel is cut short or was too late, ends when it is to be claimed again.
redis.call('HSET', campaign, 'paused', 1)
if given.how == 'cancel' then
  redis.call('HSET', campaign, 'stopped', 1)
  expire_campaign(campaign)
end
return halt_of(campaign)

-- Start no further attempts of a campaign: for now, or for good.
-- Given: campaign, how ('pause' or 'cancel'), retention_ms
-- Returns 'paused' | 'stopped' (cancelled now or before) | 'done' (all of it had ended: nothing was changed) | 'unknown_id', and of
--   what is done how many messages. Safe to repeat.
-- uses: keys campaign parts
local campaign = campaign_key(given.campaign)
if redis.call('EXISTS', campaign) == 0 then return { 'unknown_id', 0 } end
if is_done(campaign) then return { 'done', redis.call('BITCOUNT', ended_key(campaign)) } end
-- A message that a cancel does not reach, since the cancel is cut short or was too late, ends when it is to be claimed again.
redis.call('HSET', campaign, 'paused', 1)
if given.how == 'cancel' then
  redis.call('HSET', campaign, 'stopped', 1)
  forget_open_upload(given.campaign)
  expire_campaign(campaign)
end
return { halt_of(campaign), 0 }

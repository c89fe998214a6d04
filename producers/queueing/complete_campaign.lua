-- Note that a run of a campaign has come to the end of its recipients.
-- Given: campaign, slices (that the run cut), recipients (noted as it began, or queued by it), retention_ms
-- Returns 'complete'; or, with nothing noted, 'stopped' if the campaign was cancelled, 'lost' if Redis has forgotten some of these
--   recipients meanwhile. Safe to repeat.
-- uses: keys clock campaign
local campaign = campaign_key(given.campaign)
if is_cancelled(campaign) then return 'stopped' end
local known = read(campaign, 'recipients', 'slices')
if tonumber(known.recipients or 0) < given.recipients then return 'lost' end
note_start(given.campaign)
redis.call('HSETNX', campaign, 'complete', now)
if given.slices > tonumber(known.slices or -1) then redis.call('HSET', campaign, 'slices', given.slices) end
expire_campaign(campaign)
return 'complete'

-- Note that all parts of a campaign are there, that it is complete, and let it leave if it waited for that. One step: a campaign that is
-- complete and still waits would wait for ever.
-- Given: campaign, parts (how many there are), retention_ms
-- Returns 'complete' | 'missing' (there is another number of parts) | 'stopped' (it was cancelled) | 'unknown_id'. Safe to repeat.
-- uses: clock keys campaign parts
local campaign, upload = campaign_key(given.campaign), upload_key(given.campaign)
local known = read(upload, 'next')
if not known.next then return 'unknown_id' end
if is_cancelled(campaign) then return 'stopped' end
if tonumber(known.next) ~= given.parts then return 'missing' end
redis.call('HSET', upload, 'complete', 1)
redis.call('HDEL', campaign, 'uploading')
forget_open_upload(given.campaign)
redis.call('HSETNX', campaign, 'complete', now)
if given.parts > tonumber(read(campaign, 'slices').slices or -1) then redis.call('HSET', campaign, 'slices', given.parts) end
redis.call('PEXPIRE', upload, given.retention_ms)
expire_campaign(campaign)
return 'complete'

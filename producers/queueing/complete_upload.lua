-- Note that all parts of a campaign are there, and let it leave if it waited for that.
-- Given: campaign, parts (how many there are), retention_ms
-- Returns 'complete' | 'missing' (there is another number of parts) | 'stopped' (it was cancelled) | 'unknown_id'. Safe to repeat.
-- uses: keys campaign parts
local campaign, upload = campaign_key(given.campaign), upload_key(given.campaign)
local known = read(upload, 'next')
if not known.next then return 'unknown_id' end
if is_cancelled(campaign) then return 'stopped' end
if tonumber(known.next) ~= given.parts then return 'missing' end
redis.call('HSET', upload, 'complete', 1)
redis.call('HDEL', campaign, 'uploading')
redis.call('PEXPIRE', upload, given.retention_ms)
return 'complete'

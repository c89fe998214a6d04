-- Begin to take a campaign in parts.
-- Given: campaign, definition (its JSON), waits (whether nothing leaves before all parts are there), keep_ms (how long an upload is kept)
-- Returns 'created' | 'existing' | 'conflict' (it has another definition, or was not begun as an upload) | 'stopped' (it was cancelled).
--   Safe to repeat.
-- uses: clock keys campaign parts
local campaign, upload = campaign_key(given.campaign), upload_key(given.campaign)
if is_cancelled(campaign) then return 'stopped' end
local known = read(upload, 'definition')
if known.definition then return known.definition == given.definition and 'existing' or 'conflict' end
if redis.call('EXISTS', campaign) == 1 and redis.call('HEXISTS', campaign, 'uploading') == 0 then return 'conflict' end
note_start(given.campaign)
if given.waits then
  redis.call('HSET', campaign, 'uploading', 1)
  note_open_upload(given.campaign)
end
redis.call('HSET', upload, 'definition', given.definition, 'next', 0, 'ends', now + given.keep_ms)
redis.call('PEXPIREAT', upload, now + given.keep_ms)
-- A campaign that has slices is kept until it is over.
if redis.call('HEXISTS', campaign, 'recipients') == 0 then redis.call('PEXPIRE', campaign, given.keep_ms) end
return 'created'

-- Forget who is in some blocks of an upload that is complete. After a failover it may not be: then its numbers still keep people from
-- being texted twice.
-- Given: campaign, blocks (their keys)
-- Returns 1, or 0 when the upload is there and not complete: nothing was forgotten. Safe to repeat.
-- uses: parts
local known = read(upload_key(given.campaign), 'definition', 'complete')
if known.definition and not known.complete then return 0 end
redis.call('UNLINK', unpack(given.blocks))
return 1

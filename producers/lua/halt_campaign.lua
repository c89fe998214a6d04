-- Start no further attempts of a campaign: for now, or for good.
-- KEYS: campaign
-- ARGV: 'pause' or 'cancel'
-- Returns 'paused' | 'stopped' (cancelled now or before) | 'unknown_id'. Safe to repeat.
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then return 'unknown_id' end
-- What a run enqueues in the same moment as it is cancelled waits like the slices of a paused one, and never leaves.
redis.call('HSET', key, 'paused', 1)
if ARGV[1] == 'cancel' then redis.call('HSET', key, 'stopped', 1) end
return redis.call('HEXISTS', key, 'stopped') == 1 and 'stopped' or 'paused'

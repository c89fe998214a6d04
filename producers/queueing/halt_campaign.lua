-- Start no further attempts of a campaign: for now, or for good.
-- KEYS: campaign
-- ARGV: 'pause' or 'cancel'; retention ms
-- Returns 'paused' | 'stopped' (cancelled now or before) | 'unknown_id'. Safe to repeat.
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then return 'unknown_id' end
-- What a cancel does not reach, since it is cut short or was too late, ends when it is to be claimed again.
redis.call('HSET', key, 'paused', 1)
if ARGV[1] == 'cancel' then
  redis.call('HSET', key, 'stopped', 1)
  settle_campaign(key, ARGV[2])
end
return redis.call('HEXISTS', key, 'stopped') == 1 and 'stopped' or 'paused'

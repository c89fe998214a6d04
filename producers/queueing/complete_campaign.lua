-- Note that a run of a campaign has come to the end of its recipients.
-- KEYS: campaign
-- ARGV: slices that it cut, recipients that were noted as it began or queued by it, retention ms
-- Returns 'complete'; or, with nothing noted, 'stopped' if it was cancelled, 'lost' if Redis has forgotten some of
-- these recipients meanwhile. Safe to repeat.
local key, slices = KEYS[1], tonumber(ARGV[1])
local c = redis.call('HMGET', key, 'stopped', 'recipients', 'slices')
if c[1] then return 'stopped' end
if tonumber(c[2] or 0) < tonumber(ARGV[2]) then return 'lost' end
local now = now_ms()
redis.call('HSETNX', key, 'started', now)
redis.call('HSETNX', key, 'complete', now)
if slices > tonumber(c[3] or -1) then redis.call('HSET', key, 'slices', slices) end
settle_campaign(key, ARGV[3])
return 'complete'

-- Note that a campaign is about to queue one more slice, or that it has queued its last.
-- KEYS: campaign
-- ARGV: slices that may exist from now on, 1 if these are all of them, retention ms
-- Returns 'on', or 'stopped' if it was cancelled (nothing was noted then).
-- Safe to repeat, also by two runs at once: the count of slices only grows.
local key, slices = KEYS[1], tonumber(ARGV[1])
if redis.call('HEXISTS', key, 'stopped') == 1 then return 'stopped' end
local now = now_ms()
redis.call('HSETNX', key, 'started', now)
if slices > tonumber(redis.call('HGET', key, 'slices') or -1) then redis.call('HSET', key, 'slices', slices) end
if ARGV[2] == '1' then redis.call('HSETNX', key, 'complete', now) end

-- It lives without limit while anything may still come of it. One that has queued nothing yet may be forgotten.
local left = tonumber(redis.call('HGET', key, 'recipients') or 0)
local queued = left > 0
for _, state in ipairs({ 'accepted', 'rejected', 'expired', 'cancelled', 'failed', 'unknown' }) do
  left = left - tonumber(redis.call('HGET', key, state) or 0)
end
if not queued or (ARGV[2] == '1' and left <= 0) then
  redis.call('PEXPIRE', key, ARGV[3])
else
  redis.call('PERSIST', key)
end
return 'on'

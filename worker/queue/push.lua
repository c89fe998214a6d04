-- Queue a Dramatiq message under its own id, at once or later.
-- KEYS: ready, delayed, envelopes, wake
-- ARGV: entry id, envelope, delay ms
-- Returns 1, or 0 when an entry with an envelope of this id is queued already. Safe to repeat.
local ready, delayed, envelopes, wake_key = unpack(KEYS)
if redis.call('HSETNX', envelopes, ARGV[1], ARGV[2]) == 0 then return 0 end
if tonumber(ARGV[3]) > 0 then
  redis.call('ZADD', delayed, now_ms() + ARGV[3], ARGV[1])
  wake(wake_key)
else
  push(ready, wake_key, ARGV[1])
end
return 1

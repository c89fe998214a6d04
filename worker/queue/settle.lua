-- End the leases on entries and with them the entries.
-- KEYS: leases, envelopes, dead, ready, wake
-- ARGV: '1' to keep them among the dead, ms to keep them there; then per entry: lease, entry id
-- Returns how many were still ours; one that was not belongs to somebody else and stays.
local leases, envelopes, dead, ready, wake_key = unpack(KEYS)
local now, count = now_ms(), 0
for i = 3, #ARGV, 2 do
  if redis.call('ZREM', leases, ARGV[i]) == 1 then
    count = count + 1
    if ARGV[1] == '1' then
      redis.call('ZADD', dead, now, ARGV[i + 1])
    else
      redis.call('HDEL', envelopes, ARGV[i + 1])
    end
  end
end
if ARGV[1] == '1' then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', dead, '-inf', now - ARGV[2], 'LIMIT', 0, 128)) do
    redis.call('ZREM', dead, id)
    redis.call('HDEL', envelopes, id)
  end
end
-- Somebody may be waiting for a free call.
if count > 0 and redis.call('EXISTS', ready) == 1 then wake(wake_key) end
return count

-- End the lease on an entry and with it the entry.
-- KEYS: leases, envelopes, dead, ready, wake
-- ARGV: lease, entry id, '1' to keep it among the dead, ms to keep it there
-- Returns 1, or 0 when the lease was no longer ours: then the entry belongs to somebody else and stays.
local leases, envelopes, dead, ready, wake_key = unpack(KEYS)
if redis.call('ZREM', leases, ARGV[1]) == 0 then return 0 end
if ARGV[3] == '1' then
  local now = now_ms()
  redis.call('ZADD', dead, now, ARGV[2])
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', dead, '-inf', now - ARGV[4], 'LIMIT', 0, 128)) do
    redis.call('ZREM', dead, id)
    redis.call('HDEL', envelopes, id)
  end
else
  redis.call('HDEL', envelopes, ARGV[2])
end
-- Somebody may be waiting for a free call.
if redis.call('LLEN', ready) > 0 then wake(wake_key) end
return 1

-- Turn leased entries into delayed ones: a retry is a move, never a copy.
-- KEYS: leases, delayed, envelopes, wake
-- ARGV: per entry: lease, entry id, envelope or '' for none, delay ms
-- Returns how many were still ours; one that was not runs somewhere else and nothing changes.
local leases, delayed, envelopes, wake_key = unpack(KEYS)
local now, count = now_ms(), 0
for i = 1, #ARGV, 4 do
  if redis.call('ZREM', leases, ARGV[i]) == 1 then
    count = count + 1
    if ARGV[i + 2] == '' then
      redis.call('HDEL', envelopes, ARGV[i + 1])
    else
      redis.call('HSET', envelopes, ARGV[i + 1], ARGV[i + 2])
    end
    redis.call('ZADD', delayed, now + ARGV[i + 3], ARGV[i + 1])
  end
end
if count > 0 then wake(wake_key) end
return count

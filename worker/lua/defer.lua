-- Turn a leased entry into a delayed one: a retry is a move, never a copy.
-- KEYS: leases, delayed, envelopes, wake
-- ARGV: lease, entry id, envelope, delay ms
-- Returns 1, or 0 when the lease was no longer ours: then somebody else runs the entry and nothing changes.
local leases, delayed, envelopes, wake_key = unpack(KEYS)
if redis.call('ZREM', leases, ARGV[1]) == 0 then return 0 end
redis.call('HSET', envelopes, ARGV[2], ARGV[3])
redis.call('ZADD', delayed, now_ms() + ARGV[4], ARGV[2])
wake(wake_key)
return 1

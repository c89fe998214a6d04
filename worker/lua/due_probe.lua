-- Ask for the right to probe the account; one worker of all gets it.
-- KEYS: hold, probes
-- ARGV: first probe after ms, longest ms between probes, ms for which probes are remembered
-- Returns 1 when a probe is due and the caller is to make it, else 0.
local hold, probes = unpack(KEYS)
local at = redis.call('HGET', hold, 'probe_at')
local now = now_ms()
if not at or tonumber(at) > now then return 0 end
local tried = redis.call('INCR', probes)
redis.call('PEXPIRE', probes, ARGV[3])
redis.call('HSET', hold, 'probe_at', now + math.min(ARGV[1] * 2 ^ (tried - 1), tonumber(ARGV[2])))
return 1

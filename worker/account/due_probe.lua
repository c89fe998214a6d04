-- Ask for the right to probe the account; one worker of all gets it.
-- KEYS: hold, probes
-- ARGV: first probe after ms, longest ms between probes, ms for which probes are remembered
-- Returns 1 when a probe is due and the caller is to make it, else 0.
local hold, probes = unpack(KEYS)
local r = redis.call('HMGET', hold, 'probe_at', 'wait')
if not r[1] then return 0 end
local now, at, wait = now_ms(), tonumber(r[1]), tonumber(r[2] or ARGV[2])
-- Further ahead than it was set: the clock went back.
if at > now + wait then redis.call('HSET', hold, 'probe_at', now + wait) end
if at > now then return 0 end
local tried = redis.call('INCR', probes)
redis.call('PEXPIRE', probes, ARGV[3])
wait = math.min(ARGV[1] * 2 ^ (tried - 1), tonumber(ARGV[2]))
redis.call('HSET', hold, 'probe_at', now + wait, 'wait', wait)
return 1

-- Hold all sending: the account is in trouble, not a message.
-- KEYS: hold, probes
-- ARGV: code, first probe after ms, longest ms between probes, ms for which probes are remembered
-- Returns 1 when this call took the hold, 0 when it was held already.
local hold, probes = unpack(KEYS)
if redis.call('EXISTS', hold) == 1 then return 0 end
local now = now_ms()
local tried = redis.call('INCR', probes)
redis.call('PEXPIRE', probes, ARGV[4])
local wait = math.min(ARGV[2] * 2 ^ (tried - 1), tonumber(ARGV[3]))
redis.call('HSET', hold, 'code', ARGV[1], 'since', now, 'probe_at', now + wait, 'wait', wait)
return 1

-- Let a forwarder go on after a pause or a hold, without waiting for a probe.
-- Given: forward (its name), by, audit_maxlen
-- Returns 1 if it was paused or held. Safe to repeat.
-- uses: forwards audit
local keys = forward_keys()
local state = read(keys.forward, 'paused', 'held')
if not state.paused and not state.held then return 0 end
redis.call('HDEL', keys.forward, 'paused', 'paused_at', 'held', 'held_at', 'probe_at')
redis.call('DEL', keys.failing)
audit('forward_resume', 'forward', given.forward)
return 1

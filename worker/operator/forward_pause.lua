-- Pause a forwarder: it goes on taking events in, and delivers none until somebody resumes it.
-- Given: forward (its name), why, by, audit_maxlen
-- Returns 1 if it was not paused before. Safe to repeat.
-- uses: clock forwards audit
local keys = forward_keys()
local is_new = redis.call('HSETNX', keys.forward, 'paused', given.why)
if is_new == 1 then
  redis.call('HSET', keys.forward, 'paused_at', now)
  audit('forward_pause', 'forward', given.forward)
end
return is_new

-- Hold all sending: the account is in trouble, not a message.
-- Given: code, first_ms, longest_ms, memory_ms
-- Returns 1 when this call took the hold, 0 when sending was held already. Safe to repeat.
-- uses: clock probes
local hold = prefix .. 'hold'
if redis.call('EXISTS', hold) == 1 then return 0 end
local wait = next_wait('hold')
redis.call('HSET', hold, 'code', given.code, 'since', now, 'probe_at', now + wait, 'wait', wait)
return 1

-- Hold all sending: the account is in trouble, not a message. A hold that only an operator ends takes the place of one that the
-- balance probe may end.
-- Given: code, lasting (whether only an operator may end it), first_ms, longest_ms, memory_ms
-- Returns 1 when this call took the hold, 0 when sending was held already. Safe to repeat.
-- uses: clock probes
local hold = prefix .. 'hold'
local held = read(hold, 'code', 'lasting')
if held.code and (held.lasting or not given.lasting) then return 0 end
local wait = next_wait('hold')
redis.call('HSET', hold, 'code', given.code, 'since', now, 'probe_at', now + wait, 'wait', wait)
if given.lasting then redis.call('HSET', hold, 'lasting', 1) end
return 1

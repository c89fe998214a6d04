-- Take the right to look at the balance, because sending is held or because something cannot be paid; one worker of all gets it.
-- Given: trouble ('hold' or 'credit'), first_ms, longest_ms, memory_ms
-- Returns 1 when a probe is due and the caller is to make it, else 0. Not safe to repeat: the right is given away once.
-- uses: clock probes
local key = prefix .. given.trouble
local due = read(key, 'probe_at', 'wait')
if not due.probe_at then return 0 end
local at, wait = tonumber(due.probe_at), tonumber(due.wait or given.longest_ms)
-- Further ahead than it was set: the clock went back.
if at > now + wait then redis.call('HSET', key, 'probe_at', now + wait) end
if at > now then return 0 end
wait = next_wait(given.trouble)
redis.call('HSET', key, 'probe_at', now + wait, 'wait', wait)
return 1

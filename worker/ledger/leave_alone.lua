-- Let what is queued from now on leave alone for a while: a replica is back, or a server, that may have lacked what was queued before, and
-- whoever repeats that must not share a call. Given: nothing.
-- Returns 1. Safe to repeat: it begins anew.
-- uses: clock
redis.call('HSET', prefix .. 'memory', 'apart', now)
return 1

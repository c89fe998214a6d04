-- Say that this process lives, and forget those that have long said nothing. Note which server it is that hears so: a server that
-- was started or promoted is counted then, however little is sent.
-- Given: name (of the process), forgotten_ms
-- Returns how many processes are known. Safe to repeat.
-- uses: clock eras
current_era()
local workers = prefix .. 'workers'
redis.call('ZADD', workers, now, given.name)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - given.forgotten_ms)
return redis.call('ZCARD', workers)

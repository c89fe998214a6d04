-- Say that this process lives, and forget those that have long said nothing.
-- Given: name (of the process), forgotten_ms
-- Returns how many processes are known. Safe to repeat.
-- uses: clock
local workers = prefix .. 'workers'
redis.call('ZADD', workers, now, given.name)
redis.call('ZREMRANGEBYSCORE', workers, '-inf', now - given.forgotten_ms)
return redis.call('ZCARD', workers)

-- Note what a replay of all that match would do, for a person to decide about it.
-- Given: job_id, plan (names and values by turns), keep_ms (for which the plan may be carried out), most (plans and jobs remembered)
-- Returns 1. Safe to repeat.
-- uses: clock
local job, bulks = prefix .. 'bulk:' .. given.job_id, prefix .. 'bulks'
redis.call('HSET', job, 'state', 'planned', 'made', now, unpack(given.plan))
redis.call('PEXPIRE', job, given.keep_ms)
redis.call('ZADD', bulks, now, given.job_id)
redis.call('ZREMRANGEBYRANK', bulks, 0, -given.most - 1)
return 1

-- Let sending go on: end the hold and, where told so, the pause that the gateway asked for.
-- Given: by, pause_too (whether the pause ends, too), audit_maxlen
-- Returns 1 when sending was held, else 0. Safe to repeat.
-- uses: queue audit
local hold = prefix .. 'hold'
local code = redis.call('HGET', hold, 'code')
redis.call('DEL', hold)
if given.pause_too then redis.call('DEL', prefix .. 'pause') end
wake(queue_keys('alert'))
wake(queue_keys('marketing'))
if not code then return 0 end
audit('release', 'code', code)
return 1

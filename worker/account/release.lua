-- Let sending go on. An operator ends any hold, and the pause that the gateway asked for; the balance probe ends a hold only, and none
-- that is an operator's to end.
-- Given: by, operator (whether an operator decided), audit_maxlen
-- Returns 1 when a hold was ended, else 0. Safe to repeat.
-- uses: queue audit
local hold = prefix .. 'hold'
local held = read(hold, 'code', 'lasting')
if held.lasting and not given.operator then return 0 end
redis.call('DEL', hold)
if given.operator then redis.call('DEL', prefix .. 'pause') end
wake_consumer(queue_keys('alert'))
wake_consumer(queue_keys('marketing'))
if not held.code then return 0 end
audit('release', 'code', held.code)
return 1

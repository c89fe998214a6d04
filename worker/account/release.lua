-- Let sending go on.
-- KEYS: hold, pause, audit, alert wake, marketing wake
-- ARGV: who, audit maxlen
-- Returns 1 when sending was held, else 0.
local hold, pause, audit = KEYS[1], KEYS[2], KEYS[3]
local code = redis.call('HGET', hold, 'code')
redis.call('DEL', hold, pause)
wake(KEYS[4])
wake(KEYS[5])
if not code then return 0 end
redis.call('XADD', audit, 'MAXLEN', '~', ARGV[2], '*', 'v', '1', 'action', 'release', 'by', ARGV[1], 'code', code,
  'at', stamp(now_ms()))
return 1

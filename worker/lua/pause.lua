-- Pause all sending for a while; a longer pause that runs already stays.
-- KEYS: pause
-- ARGV: why, ms
-- Returns 1 when this call set the pause.
if redis.call('PTTL', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1

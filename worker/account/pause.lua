-- Pause all sending for a while; a longer pause that runs already stays.
-- KEYS: pause
-- ARGV: why, ms
-- Returns 1 when this call set the pause.
local now = now_ms()
if pause_left(KEYS[1], now) >= tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'code', ARGV[1], 'at', now, 'ms', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1

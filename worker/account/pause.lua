-- Pause all sending for a while; a longer pause that runs already stays.
-- Given: code, ms
-- Returns 1 when this call set the pause, else 0. Safe to repeat: the pause then begins anew.
-- uses: clock limits
local pause = prefix .. 'pause'
if pause_left() >= given.ms then return 0 end
redis.call('HSET', pause, 'code', given.code, 'at', now, 'ms', given.ms)
redis.call('PEXPIRE', pause, given.ms)
return 1

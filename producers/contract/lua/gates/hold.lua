-- All sending is held until the account is well again, or until an operator releases it.
local hold = gate('hold')

local LOOK_AGAIN_MS = 1000

hold.is_shut = once(function() return redis.call('EXISTS', prefix .. 'hold') == 1 end)

function hold.room(wanted)
  if hold.is_shut() then return 0, LOOK_AGAIN_MS end
  return wanted
end

function hold.keep()
  if hold.is_shut() then return { 'wait', LOOK_AGAIN_MS } end
end
-- uses: admission

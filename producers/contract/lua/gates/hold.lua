-- All sending is held until the account is well again, or until an operator releases it.
local hold_gate = new_gate('hold')

local LOOK_AGAIN_MS = 1000

hold_gate.is_shut = once(function() return redis.call('EXISTS', prefix .. 'hold') == 1 end)

function hold_gate.room(wanted)
  if hold_gate.is_shut() then return 0, LOOK_AGAIN_MS end
  return wanted
end

function hold_gate.keep()
  if hold_gate.is_shut() then return { 'wait', LOOK_AGAIN_MS } end
end
-- uses: admission

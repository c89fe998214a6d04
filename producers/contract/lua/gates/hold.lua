-- All sending is held until the account is well again, or until an operator releases it.
local hold_gate = new_gate('hold')

local LOOK_AGAIN_MS = 1000

local held
local function is_held()
  if held == nil then held = redis.call('EXISTS', prefix .. 'hold') == 1 end
  return held
end

function hold_gate.room(wanted)
  if is_held() then return 0, LOOK_AGAIN_MS end
  return wanted
end

function hold_gate.is_shut()
  return is_held()
end

function hold_gate.keep()
  if is_held() then return { 'wait', LOOK_AGAIN_MS } end
end
-- uses: admission

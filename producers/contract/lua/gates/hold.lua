-- All sending is held until the account is well again, or until an operator releases it.

local held
local function is_held()
  if held == nil then held = redis.call('EXISTS', prefix .. 'hold') == 1 end
  return held
end

local HELD_MS = 1000

local function hold_room(wanted)
  if is_held() then return 0, HELD_MS end
  return wanted
end

local function hold_keeps()
  if is_held() then return { 'wait', HELD_MS } end
end

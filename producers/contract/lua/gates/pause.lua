-- All sending pauses for as long as the gateway asked.
local pause_gate = new_gate('pause')

local pause_found
local function pause_lasts()
  pause_found = pause_found or pause_left()
  return pause_found
end

function pause_gate.room(wanted)
  if pause_lasts() > 0 then return 0, pause_lasts() end
  return wanted
end

function pause_gate.is_shut()
  return pause_lasts() > 0
end

function pause_gate.keep()
  if pause_lasts() > 0 then return { 'wait', pause_lasts() } end
end
-- uses: limits admission

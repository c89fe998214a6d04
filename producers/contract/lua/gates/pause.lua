-- All sending pauses for as long as the gateway asked.
local pause_gate = new_gate('pause')

pause_gate.left = once(pause_left)

function pause_gate.room(wanted)
  if pause_gate.left() > 0 then return 0, pause_gate.left() end
  return wanted
end

function pause_gate.keep()
  if pause_gate.left() > 0 then return { 'wait', pause_gate.left() } end
end
-- uses: rate admission

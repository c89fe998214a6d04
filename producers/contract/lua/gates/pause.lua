-- All sending pauses for as long as the gateway asked.
local pause = gate('pause')

pause.left = once(pause_left)

function pause.room(wanted)
  if pause.left() > 0 then return 0, pause.left() end
  return wanted
end

function pause.keep()
  if pause.left() > 0 then return { 'wait', pause.left() } end
end
-- uses: rate admission

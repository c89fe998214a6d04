-- All sending pauses for as long as the gateway asked.

local left_of_pause
local function pause_lasts()
  left_of_pause = left_of_pause or pause_left()
  return left_of_pause
end

local function pause_room(wanted)
  if pause_lasts() > 0 then return 0, pause_lasts() end
  return wanted
end

local function pause_keeps()
  if pause_lasts() > 0 then return { 'wait', pause_lasts() } end
end
-- uses: rate

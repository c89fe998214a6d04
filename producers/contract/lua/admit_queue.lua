-- Admission of the sends of a queue as a whole: see admit_send.lua.

-- How many sends of a queue all gates let pass, and ms until it is worth asking again, or -1.
local function admitted(wanted, queue_name)
  local wait = -1
  for _, room_of in ipairs({
    hold_room,
    pause_room,
    in_flight_room,
    rate_room,
  }) do
    local room, ms = room_of(wanted, queue_name)
    if room < wanted then wanted, wait = room, ms end
    if wanted == 0 then break end
  end
  return wanted, wait
end
-- uses: gates/hold gates/pause gates/in_flight gates/rate

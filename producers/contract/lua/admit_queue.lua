-- Admission of the sends of a queue as a whole.

-- How many sends of a queue all gates let pass, and ms until it is worth asking again, or -1. All gates are asked although one is
-- shut: the rate moves what is owed after the clock went back.
local function admitted(wanted, queue_name)
  local wait = -1
  for _, gate in ipairs(GATES) do
    local room, ms = gate.room(wanted, queue_name)
    if room < wanted then wanted, wait = room, ms end
  end
  return wanted, wait
end
-- uses: admission

-- Admission: what may leave now. An ordered list of gates decides, each a file in gates/; producers/contract/admission.py has
-- the order, and the reason of each gate in words. A gate has one or both of these functions:
--
--   room(wanted, queue_name)  asked by fetch.lua for the sends of a queue as a whole: how many may be fetched, and if that is
--                             fewer than wanted, ms until it is worth asking again
--   keep(send)                asked by claim.lua for one send: nil to let it pass, or what claim.lua returns for it; the gate has
--                             then put the send where it waits, or ended it
--
-- A gate that is shut for all sends has both: what was fetched before it was shut is stopped at its claim.
-- A shared call is asked as one send: it has send.record.members, and what a gate says holds for all of them. What keeps one of its
-- members belongs into look_at() of compose.lua.
local GATES = {}

-- Add a gate behind those before it.
local function new_gate(name)
  local gate = { name = name }
  GATES[#GATES + 1] = gate
  return gate
end

-- How many sends of a queue all gates let pass, and ms until it is worth asking again, or -1.
local function admitted(wanted, queue_name)
  local wait = -1
  for _, gate in ipairs(GATES) do
    if gate.room and wanted > 0 then
      local room, ms = gate.room(wanted, queue_name)
      if room < wanted then wanted, wait = room, ms end
    end
  end
  return wanted, wait
end

-- What the first gate that keeps a send makes of it, or nil.
local function kept(send)
  for _, gate in ipairs(GATES) do
    local verdict = gate.keep and gate.keep(send)
    if verdict then return verdict end
  end
end

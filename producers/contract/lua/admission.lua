-- Admission: what may leave now. An ordered list of gates decides, each a file in gates/; producers/contract/admission.py has
-- the order, and the reason of each gate in words. A gate has some of these functions:
--
--   room(wanted, queue_name)  asked by admit_queue.lua for the sends of a queue as a whole: how many may be fetched, and if that
--                             is fewer than wanted, ms until it is worth asking again
--   keep(send)                asked by admit_send.lua for one send: nil to let it pass, or what claim.lua returns for it; the gate
--                             has then put the send where it waits, or ended it
--   is_shut(send)             asked by admit_post.lua before a POST that does not follow its claim at once: whether keep would keep
--                             the send now. It changes nothing of the send. Gates that a claim leaves behind have none: what was
--                             claimed is due, of a version that its worker knows, and reserved in its budgets
--
-- hold and pause have both: what was fetched before they were shut is stopped at its claim. rate and in_flight have only room: what
-- the fetch has let pass keeps its place. A script gets the gates that have the function it asks for, since each costs it a moment.
-- A shared call is asked as one send: it has send.record.members, and what a gate says holds for all of them. What keeps one of its
-- members belongs into look_at() of compose.lua.
local GATES = {}

-- Add a gate behind those before it. Whatever is not in the file of the gate knows it as GATES.<name>.
local function new_gate(name)
  local gate = { name = name }
  GATES[#GATES + 1], GATES[name] = gate, gate
  return gate
end

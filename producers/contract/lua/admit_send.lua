-- Admission: what may leave now. Gates decide, in one order; each is a file in gates/. producers/contract/admission.py has the order,
-- and the reason of each gate in words. A gate has one or both of these functions:
--
--   <gate>_keeps(send)               asked for one send when it is claimed: nil to let it pass, or what claim.lua returns for it; the
--                                    gate has then put the send where it waits, or ended it
--   <gate>_room(wanted, queue_name)  asked for the sends of a queue when it is fetched, see admit_queue.lua: how many may be fetched,
--                                    and if that is fewer than wanted, ms until it is worth asking again
--
-- A gate that is shut for all sends has both: what was fetched before it was shut is stopped when it is claimed. Gates read what they
-- need of the account once in a script, and only if a send gets as far.

-- What the first gate that keeps a send makes of it, or nil.
local function kept(send)
  return newer_keeps(send)
    or ended_keeps(send)
    or attempt_keeps(send)
    or due_keeps(send)
    or campaign_keeps(send)
    or composed_keeps(send)
    or lifetime_keeps(send)
    or hold_keeps(send)
    or pause_keeps(send)
    or credit_keeps(send)
    or breaker_keeps(send)
end
-- uses: gates/newer gates/ended gates/attempt gates/due gates/campaign gates/composed gates/lifetime gates/hold gates/pause gates/credit gates/breaker

-- The end states of a message: producers/contract/jobs.py has them too, and a test compares.

local ENDS = { 'accepted', 'rejected', 'expired', 'cancelled', 'failed', 'unknown' }
-- A person may still decide to send these again.
local PARKED = { rejected = true, failed = true, unknown = true }

-- Whether a message, or a shared call, still wants to be sent or is being sent.
local function is_under_way(state)
  return state == 'queued' or state == 'sending'
end

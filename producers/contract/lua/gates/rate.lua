-- No more recipients leave per second than the limit says. Asked at the fetch only. An alert waits for what alerts owe to the rate, as
-- far as that is more than a second; marketing waits for what all sends owe, as far as that is more than a tenth of a second.
-- fetch.lua charges one recipient for each entry, claim.lua the rest. rate_gate.allowed is set by room, and read by fetch.lua, which
-- counts the recipients that a marker stands for. Takes rate, where none is set live, from what the script is given.
local rate_gate = new_gate('rate')

-- How many recipients may leave now; without a limit any number.
rate_gate.allowed = math.huge

function rate_gate.room(wanted, queue_name)
  local interval = ms_per_recipient()
  if interval == 0 then return wanted end
  local all, alert = debts()
  local ahead = queue_name == 'alert' and 1000 - alert or 100 - all
  rate_gate.allowed = ahead >= 0 and math.floor(ahead / interval) + 1 or 0
  return rate_gate.allowed, math.max(1, math.ceil(-ahead))
end
-- uses: limits admission

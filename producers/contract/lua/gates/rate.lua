-- No more recipients leave per second than the limit says. Alerts run a second ahead of the rate and pay for themselves; marketing
-- runs a tenth of a second ahead and pays for all. Takes rate, where none is set live, from what the script is given. room() leaves
-- in rate_gate.allowed how many recipients may leave: fetch.lua reads it, since one marker stands for many recipients.
local rate_gate = new_gate('rate')

-- How many recipients may leave now.
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

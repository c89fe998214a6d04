-- A shared call leaves only if it was composed to its end, and on this server: the worker that claims it here may have composed it
-- on a server that is no more. A call in doubt keeps its name and its bytes.
local composed_gate = new_gate('composed')

local era_here
local function is_composed_here(send)
  if send.record.composed ~= 'done' or not body_of(send) then return false end
  era_here = era_here or current_era()
  return send.record.era == era_here
end

function composed_gate.is_shut(send)
  return send.record.members ~= nil and not send.doubt and not is_composed_here(send)
end

function composed_gate.keep(send)
  if composed_gate.is_shut(send) then return compose_anew(send) end
end
-- uses: eras send admission

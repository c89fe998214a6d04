-- A shared call leaves only if it was composed to its end, and on this server: the worker that claims it here may have composed it
-- on a server that is no more. A call in doubt keeps its name and its bytes.
local composed_gate = new_gate('composed')

composed_gate.era = once(current_era)

function composed_gate.keep(send)
  if not send.record.members or send.doubt then return end
  if send.record.composed == 'done' and body_of(send) and send.record.era == composed_gate.era() then return end
  return compose_anew(send)
end
-- uses: eras send admission

-- A send that has ended leaves no more. A member of a shared call leaves with its call and never beside it.
local ended_gate = new_gate('ended')

function ended_gate.keep(send)
  if not is_under_way(send.record.state) then return { 'over', send.record.state } end
  if send.record.call then return { 'over', 'shared' } end
end
-- uses: states admission

-- A send with a date waits for that date.
local due_gate = new_gate('due')

function due_gate.keep(send)
  local at = tonumber(send.record.due or 0)
  if at > now then return { 'wait', math.ceil(at - now) } end
end
-- uses: clock admission

-- A record that a newer version of the producers has written is left to a newer worker. Takes version from what the script is
-- given.
local newer_gate = new_gate('newer')

function newer_gate.keep(send)
  if tonumber(send.record.v) > given.version then return { 'newer' } end
end
-- uses: admission

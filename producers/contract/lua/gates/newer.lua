-- A record that a newer version of the producers has written is left to a newer worker. Takes version from what the script is
-- given.

local function newer_keeps(send)
  if tonumber(send.record.v) > given.version then return { 'newer' } end
end

-- Admission of one send.

-- What the first gate that keeps a send makes of it, or nil.
local function kept(send)
  for _, gate in ipairs(GATES) do
    local verdict = gate.keep(send)
    if verdict then return verdict end
  end
end
-- uses: admission

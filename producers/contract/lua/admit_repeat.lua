-- Admission of a POST that repeats another one of the same claim.

-- Whether the next claim of a send would be kept. Changes nothing.
local function would_be_kept(send)
  for _, gate in ipairs(GATES) do
    if gate.is_shut(send) then return true end
  end
  return false
end
-- uses: admission

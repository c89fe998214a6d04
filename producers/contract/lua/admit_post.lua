-- Admission of a POST that does not follow its claim at once.

-- Whether the next claim of a send would be kept. Changes nothing of the send.
local function would_be_kept(send)
  for _, gate in ipairs(GATES) do
    if gate.is_shut(send) then return true end
  end
  return false
end
-- uses: admission

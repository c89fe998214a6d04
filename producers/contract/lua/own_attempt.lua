-- Whose attempt runs. A token alone does not say it: a claim that Redis has forgotten and one that was made since may have the same token.

-- Whether the attempt that runs is that of a claim, which had a token and came with the lease of an entry. Takes token and running of the
-- record.
local function is_attempt_of(record, token, lease)
  -- Older workers noted no lease.
  return tonumber(record.token) == token and (record.running == lease or record.running == '1')
end

-- Who has agreed to marketing: `consent` holds 'at|last contact|source|wording' by pseudonym. Takes consent_ms, how old the last contact
-- may be, from what the script is given; nil where no consent is asked for.

-- Find out who of some people has agreed, by pseudonym. Returns true by place.
local function have_agreed(pseudonyms)
  local found, oldest = {}, now - given.consent_ms
  for start = 1, #pseudonyms, ASKED_AT_ONCE do
    local values = redis.call('HMGET', prefix .. 'consent', unpack(pseudonyms, start, math.min(#pseudonyms, start + ASKED_AT_ONCE - 1)))
    for i, value in ipairs(values) do
      local last = value and tonumber(string.match(value, '^%d+|(%d+)|'))
      if last and last >= oldest then found[start + i - 1] = true end
    end
  end
  return found
end

-- Why nobody is left to get a message: since all of them have refused, or since they have not agreed.
local function code_of(reasons)
  for _, reason in pairs(reasons) do
    if reason ~= 'no_consent' then return 'suppressed' end
  end
  return 'no_consent'
end
-- uses: clock suppressed

-- Who has agreed to marketing: `consent` holds 'at|last contact|source|wording' by pseudonym. Takes consent_ms, how old the last contact
-- may be, from what the script is given; nil where no consent is asked for.

-- Find out who of some people, by pseudonym, has not agreed. Returns their places. Lists of people are imported with one date, source
-- and wording: what an entry says is looked for once.
local function who_has_not_agreed(pseudonyms)
  local found, agreements = {}, { [false] = false }
  for start = 1, #pseudonyms, ASKED_AT_ONCE do
    local entries = redis.call('HMGET', prefix .. 'consent', unpack(pseudonyms, start, math.min(#pseudonyms, start + ASKED_AT_ONCE - 1)))
    for i, entry in ipairs(entries) do
      if agreements[entry] == nil then
        local last = tonumber(string.match(entry, '^%d+|(%d+)|'))
        agreements[entry] = last ~= nil and last >= now - given.consent_ms
      end
      if not agreements[entry] then found[#found + 1] = start + i - 1 end
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

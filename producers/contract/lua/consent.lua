-- Who has agreed to marketing: `consent` holds 'at|last contact|source|wording' by pseudonym. Takes consent_ms, how old the last contact
-- may be, from what the script is given; nil where no consent is asked for.

-- Find out which recipients of a marketing message lack a consent. `lists` has the pseudonyms of all of them with blanks between them,
-- under each key. Notes 'no_consent' by place among reasons; a reason that is there stays. Returns the reasons, nil for none.
local function without_consent(lists, reasons)
  local found, count = {}, 0
  for _, list in ipairs(lists) do
    local names = {}
    for pseudonym in string.gmatch(list, '%S+') do names[#names + 1] = pseudonym end
    count = #names
    for place, value in ipairs(redis.call('HMGET', prefix .. 'consent', unpack(names))) do
      local last = value and tonumber(string.match(value, '^%d+|(%d+)|'))
      if last and last >= now - given.consent_ms then found[place] = true end
    end
  end
  for place = 1, count do
    if not found[place] then
      reasons = reasons or {}
      reasons[place] = reasons[place] or 'no_consent'
    end
  end
  return reasons
end

-- Why nobody is left to get a message: since all of them have refused, or since they have not agreed.
local function code_of(reasons)
  for _, reason in pairs(reasons) do
    if reason ~= 'no_consent' then return 'suppressed' end
  end
  return 'no_consent'
end
-- uses: clock

-- Note that some people have agreed to marketing.
-- Given: people (each pseudonyms, at, last, words), keys. pseudonyms: under every key, the one that is written first. at, last: of the
--   consent and of the last contact, ms. words: source and version of the wording, with a bar between them.
-- Returns 'pseudonym keys have changed'; or how many were noted, and how many were not, since they were erased. Safe to repeat: an older
--   consent does not replace a newer one, and the last contact never goes back.
-- uses: known_key clock suppressed
if not is_key_known() then return KEYS_HAVE_CHANGED end

local function is_refused(pseudonyms)
  local fields = {}
  for i, pseudonym in ipairs(pseudonyms) do fields[i] = ACCOUNT .. '|' .. pseudonym end
  for _, reason in pairs(reasons_of(fields)) do
    if reason == 'erasure' then return true end
  end
  return false
end

local noted, refused = 0, 0
for _, person in ipairs(given.people) do
  if is_refused(person.pseudonyms) then
    refused = refused + 1
  else
    local at, last, words = math.min(person.at, now), math.min(person.last, now), person.words
    local known = redis.call('HGET', prefix .. 'consent', person.pseudonyms[1]) or ''
    local known_at, known_last, known_words = string.match(known, '^(%d+)|(%d+)|(.*)$')
    if known_at then last = math.max(last, tonumber(known_last)) end
    if known_at and tonumber(known_at) > at then at, words = tonumber(known_at), known_words end
    redis.call('HSET', prefix .. 'consent', person.pseudonyms[1], string.format('%d|%d|%s', at, last, words))
    noted = noted + 1
  end
end
return { noted, refused }

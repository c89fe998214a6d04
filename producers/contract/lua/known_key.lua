-- The keys of pseudonyms, which are made by producers/contract/pseudonyms.py and given to scripts. Takes keys, their ids, from what the
-- script is given.

-- Whether the keys of pseudonyms are those that the caller knows. If not, Redis has lost what it had noted, or is another Redis, or
-- somebody writes under a further key: the script returns KEYS_HAVE_CHANGED and does nothing, and its caller asks which keys there are.
local KEYS_HAVE_CHANGED = 'pseudonym keys have changed'
local function is_key_known()
  return redis.call('HGET', prefix .. 'pseudonyms', 'ids') == given.keys
end

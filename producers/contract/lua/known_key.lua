-- The keys of pseudonyms, which are made by producers/contract/pseudonyms.py and given to scripts. Takes key_id from what the script
-- is given.

-- Whether Redis knows the key of the pseudonyms that the script is given. If not it has lost everything, or is another Redis: the
-- script returns UNKNOWN_KEY and does nothing, and whoever calls it asks which keys there are.
local UNKNOWN_KEY = 'unknown pseudonym key'
local function is_key_known()
  return redis.call('HEXISTS', prefix .. 'pseudonyms', 'id:' .. given.key_id) == 1
end

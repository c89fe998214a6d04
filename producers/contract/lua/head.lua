-- What every script begins with. KEYS[1] is the prefix of all keys, the hash tag by which a cluster finds their server; ARGV[1]
-- holds what the script is given, by name, as a MessagePack map. All other keys are derived from the prefix: same slot, not
-- declared.
local prefix, given = KEYS[1], cmsgpack.unpack(ARGV[1])

-- Read fields of a hash by name. A field that is not there is nil.
local function read(key, ...)
  local names, values, fields = { ... }, redis.call('HMGET', key, ...), {}
  for i = 1, #names do
    if values[i] then fields[names[i]] = values[i] end
  end
  return fields
end

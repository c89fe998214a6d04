-- What every script begins with. KEYS[1] is the prefix of all keys, the hash tag by which a cluster finds their server; ARGV[1]
-- holds what the script is given, by name, as a MessagePack map. All other keys are derived from the prefix: same slot, not
-- declared.
local prefix, given = KEYS[1], cmsgpack.unpack(ARGV[1])

-- The layout of the data, and the newest that this release serves. A script that writes something anew asks `layout` how, so that
-- all processes change with one step. Data without a version are of the first. See docs/upgrades.md.
local layout, newest_layout = tonumber(redis.call('GET', prefix .. 'layout') or 1), 1
if layout > newest_layout then return redis.error_reply('LAYOUT ' .. layout .. ' is too new for this release') end

-- Read fields of a hash by name. A field that is not there is nil.
local function read(key, ...)
  local names, values, fields = { ... }, redis.call('HMGET', key, ...), {}
  for i = 1, #names do
    if values[i] then fields[names[i]] = values[i] end
  end
  return fields
end

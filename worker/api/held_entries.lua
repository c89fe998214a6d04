-- Read the entries of a stream that one consumer of a group holds, the oldest first.
-- Given: stream, group, consumer, most (how many)
-- Returns three by three: id, fields, how often it was delivered. Safe to repeat.
-- uses:
local stream, found = prefix .. given.stream, {}
for _, pending in ipairs(redis.call('XPENDING', stream, given.group, '-', '+', given.most, given.consumer)) do
  local entry = redis.call('XRANGE', stream, pending[1], pending[1])[1]
  if entry then
    found[#found + 1] = entry[1]
    found[#found + 1] = entry[2]
    found[#found + 1] = pending[4]
  end
end
return found

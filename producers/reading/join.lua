-- Make a consumer group, and its stream, unless they are there.
-- Given: stream, group, start (an entry id, or '$' for what is added from now on)
-- Returns the entry id after which the group starts, for a group that has to be made again. Safe to repeat with that id.
-- uses:
local stream, start = prefix .. given.stream, given.start
if start == '$' then
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  start = last and last[1] or '0-0'
end
local made = redis.pcall('XGROUP', 'CREATE', stream, given.group, start, 'MKSTREAM')
if made.err and string.find(made.err, 'BUSYGROUP', 1, true) == nil then return made end
return start

-- Make a consumer group, and its stream, unless they are there.
-- KEYS: stream
-- ARGV: group, where it starts: an entry id, or '$' for what is added from now on
-- Returns the entry id after which it starts, for a group that has to be made again
-- Safe to repeat with the id that it returned.
local start = ARGV[2]
if start == '$' then
  local last = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)[1]
  start = last and last[1] or '0-0'
end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], start, 'MKSTREAM')
if made.err and string.find(made.err, 'BUSYGROUP', 1, true) == nil then return made end
return start

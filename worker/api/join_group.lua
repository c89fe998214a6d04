-- Make a consumer group of an application, and its stream, unless it is there or the application has too many on this stream.
-- Given: stream, group, start ('0', or '$' for what is added from now on), ours (what the names of the application's groups begin with),
--   most (how many it may have)
-- Returns 'joined' | 'too_many'. Safe to repeat.
-- uses:
local stream, start, count = prefix .. given.stream, given.start, 0
if redis.call('EXISTS', stream) == 1 then
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    local name = group[2]
    if name == given.group then return 'joined' end
    if string.sub(name, 1, #given.ours) == given.ours then count = count + 1 end
  end
end
if count >= given.most then return 'too_many' end
if start == '$' then
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  start = last and last[1] or '0-0'
end
redis.call('XGROUP', 'CREATE', stream, given.group, start, 'MKSTREAM')
return 'joined'

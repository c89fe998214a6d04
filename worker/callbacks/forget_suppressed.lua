-- Forget some suppressions that are older than they may get.
-- Given: fields, before_ms
-- Returns how many were forgotten. Safe to repeat. What was said again meanwhile has a later time, and stays.
-- uses:
local key, forgotten = prefix .. 'suppressed', 0
for i, value in ipairs(redis.call('HMGET', key, unpack(given.fields))) do
  if value and tonumber(string.match(value, '^%d+')) < given.before_ms then
    forgotten = forgotten + redis.call('HDEL', key, given.fields[i])
  end
end
return forgotten

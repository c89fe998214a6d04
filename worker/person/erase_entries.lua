-- Delete entries of a stream that are about one person, and take replies off the lists of their countries.
-- Given: stream, entries (each id, country or '')
-- Returns how many were there. Safe to repeat.
-- uses:
local ids, countries = {}, {}
for i, entry in ipairs(given.entries) do
  ids[i] = entry.id
  if entry.country ~= '' then
    redis.call('ZREM', prefix .. 'replies:by:' .. entry.country, entry.id)
    countries[entry.country] = true
  end
end
for country in pairs(countries) do
  local listed = redis.call('ZCARD', prefix .. 'replies:by:' .. country)
  if listed > 0 then
    redis.call('HSET', prefix .. 'replies:countries', country, listed)
  else
    redis.call('HDEL', prefix .. 'replies:countries', country)
  end
end
return redis.call('XDEL', prefix .. given.stream, unpack(ids))

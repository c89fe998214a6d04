-- Note under which key a process writes pseudonyms, and say which keys there are.
-- Given: key_ids (of the process's own keys, the one it writes with first), fresh (a key), fresh_id
-- Returns the key that Redis keeps, or ''; 1 if something was written under a key that the process has not, and then nothing is
--   noted, else 0; and how many fields the note has now.
-- The first process without keys of its own makes one, and Redis keeps it. It stays known to processes that get keys later.
-- Safe to repeat.
-- uses: clock
local key, own = prefix .. 'pseudonyms', {}
for _, id in ipairs(given.key_ids) do own[id] = true end
local kept = read(key, 'made', 'made_id')
local made = kept.made
for _, field in ipairs(redis.call('HKEYS', key)) do
  local id = string.match(field, '^id:(.*)$')
  if id and not own[id] and id ~= kept.made_id then return { made or '', 1, 0 } end
end
if #given.key_ids > 0 then
  redis.call('HSETNX', key, 'id:' .. given.key_ids[1], now)
elseif not made then
  made = given.fresh
  redis.call('HSET', key, 'made', made, 'made_id', given.fresh_id, 'id:' .. given.fresh_id, now)
end
return { made or '', 0, redis.call('HLEN', key) }

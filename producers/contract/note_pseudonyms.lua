-- Note under which key a process writes pseudonyms, and say which keys there are.
-- Given: key_ids (of the process's own keys, the one it writes with first), fresh (a key), fresh_id
-- Where nothing was ever noted a new installation begins: its data have the newest layout.
-- Returns the key that Redis keeps, or ''; and the ids of all keys that anything was ever written with, or nil if the process lacks one
--   of them: then nothing is noted.
-- The first process without keys of its own makes one, and Redis keeps it. It stays known to processes that get keys later.
-- Safe to repeat.
-- uses:
local key, own = prefix .. 'pseudonyms', {}
local kept = read(key, 'made', 'made_id', 'ids')
local made, ids = kept.made or '', kept.ids or ''
for _, id in ipairs(given.key_ids) do own[id] = true end
if kept.made_id then own[kept.made_id] = true end
for id in string.gmatch(ids, '%S+') do
  if not own[id] then return { made } end
end

local writes = given.key_ids[1] or kept.made_id
if not writes then
  made, writes = given.fresh, given.fresh_id
  redis.call('HSET', key, 'made', made, 'made_id', writes)
end
if not string.find(' ' .. ids .. ' ', ' ' .. writes .. ' ', 1, true) then
  if ids == '' then redis.call('SET', prefix .. 'layout', newest_layout) end
  ids = ids == '' and writes or ids .. ' ' .. writes
  redis.call('HSET', key, 'ids', ids)
end
return { made, ids }

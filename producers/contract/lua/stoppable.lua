-- The sends to one recipient that an opt-out would end, from when they are queued until they end. The hash `stoppable` has one of each
-- person, which is mostly the only one; the sorted set `stoppable:more` has the others, as '<pseudonym> <request_id>'. A send to several
-- is seen to at its claim.

local STOPPABLE, MORE = prefix .. 'stoppable', prefix .. 'stoppable:more'

-- Whether a send is listed. Takes to, recipients, queue and stoppable of its record.
local function is_listed(record)
  return record.to and tonumber(record.recipients or 1) == 1 and is_stoppable(record)
end

-- List sends, by their recipients and their ids. Hundreds take no more commands than one. Safe to repeat.
local function list_stoppable(people, ids)
  if #people == 0 then return end
  local firsts, fresh, others = {}, {}, {}
  for i, first in ipairs(redis.call('HMGET', STOPPABLE, unpack(people))) do
    local person, id = people[i], ids[i]
    first = first or firsts[person]
    if not first then
      firsts[person] = id
      fresh[#fresh + 1], fresh[#fresh + 2] = person, id
    elseif first ~= id then
      others[#others + 1], others[#others + 2] = 0, person .. ' ' .. id
    end
  end
  if #fresh > 0 then redis.call('HSET', STOPPABLE, unpack(fresh)) end
  if #others > 0 then redis.call('ZADD', MORE, unpack(others)) end
end

-- Take sends off the list.
local function unlist_stoppable(people, ids)
  if #people == 0 then return end
  local firsts, others = {}, {}
  for i, first in ipairs(redis.call('HMGET', STOPPABLE, unpack(people))) do
    if first == ids[i] then firsts[#firsts + 1] = people[i] else others[#others + 1] = people[i] .. ' ' .. ids[i] end
  end
  if #firsts > 0 then redis.call('HDEL', STOPPABLE, unpack(firsts)) end
  if #others > 0 then redis.call('ZREM', MORE, unpack(others)) end
end

-- The ids of so many sends to a person.
local function stoppable_of(person, most)
  local ids = { redis.call('HGET', STOPPABLE, person) or nil }
  local from, upto = '[' .. person .. ' ', '(' .. person .. '!'
  for _, member in ipairs(redis.call('ZRANGEBYLEX', MORE, from, upto, 'LIMIT', 0, most - #ids)) do
    ids[#ids + 1] = string.sub(member, #person + 2)
  end
  return ids
end
-- uses: suppressed

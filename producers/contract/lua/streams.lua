-- Streams: what leaves them, and what leaves other lists with it. Entries leave because of their number, their bytes or their age.

-- Entries that one script takes off a stream, a list or a country: more would keep Redis from others.
local AT_MOST = 1000

local BYTES = prefix .. 'foreign_bytes'

local function foreign_key(stream)
  return prefix .. stream .. ':foreign'
end

local function is_after(id, other)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  local other_ms, other_seq = string.match(other, '(%d+)-(%d+)')
  if ms ~= other_ms then return tonumber(ms) > tonumber(other_ms) end
  return tonumber(seq) > tonumber(other_seq)
end

-- The last entry that every group of a stream has been given; nil without groups.
local function read_by_all(stream)
  local slowest
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', prefix .. stream)) do
    for i = 1, #group, 2 do
      if group[i] == 'last-delivered-id' and (not slowest or is_after(slowest, group[i + 1])) then
        slowest = group[i + 1]
      end
    end
  end
  return slowest
end

local COUNTRIES = prefix .. 'replies:countries'
-- Countries of which the number of replies has changed.
local recounted = {}
-- Who wrote what was dropped, and what each is called in its conversation.
local gone = {}

local function by_country_key(country)
  return prefix .. 'replies:by:' .. country
end

-- The streams whose entries are turns of conversations, and what those are called there.
local TURN_OF = { replies = 'in', optouts = 'opt' }

-- Take turns off the lists that their stream drops, and note whose they were. Each is a stream entry.
local function unlist(stream, entries)
  for _, entry in ipairs(entries) do
    local id, fields = entry[1], {}
    for i = 1, #entry[2], 2 do fields[entry[2][i]] = entry[2][i + 1] end
    if stream == 'replies' then
      local country = fields.country ~= '' and fields.country or 'ZZ'
      redis.call('ZREM', by_country_key(country), id)
      recounted[country] = true
    end
    -- Somebody may have tried out the stream with an entry of his own.
    if fields.number then gone[#gone + 1], gone[#gone + 2] = fields.number, TURN_OF[stream] .. ':' .. id end
  end
end

-- Count what is listed by country. A count that is taken from the list itself cannot drift from it.
local function count_replies()
  for country in pairs(recounted) do
    local listed = redis.call('ZCARD', by_country_key(country))
    if listed > 0 then
      redis.call('HSET', COUNTRIES, country, listed)
    else
      redis.call('HDEL', COUNTRIES, country)
    end
  end
end

-- How many entries each stream dropped unread.
local unread = {}

local function count_unread(stream, ids)
  local last_read = read_by_all(stream)
  if not last_read then return end
  for _, id in ipairs(ids) do
    if is_after(id, last_read) then unread[stream] = (unread[stream] or 0) + 1 end
  end
end

-- Count in Redis what a stream has dropped unread. Returns how many that were.
local function tell_unread(stream)
  local count = unread[stream] or 0
  if count > 0 then redis.call('HINCRBY', prefix .. 'unread_trimmed', stream, count) end
  return count
end

-- Forget the oldest foreign entry; its mark goes, too, or marks would be what fills Redis. Returns its id, and the bytes left.
local function forget_foreign(stream)
  local id, event_id, size = string.match(redis.call('LPOP', foreign_key(stream)), '^(%S+) (%S+) (%d+)$')
  redis.call('DEL', prefix .. 'seen:' .. event_id)
  return id, redis.call('HINCRBY', BYTES, stream, -size)
end

-- Forget the foreign entries up to one that their stream has dropped.
local function forget_foreign_up_to(stream, id)
  local list = foreign_key(stream)
  local oldest, forgotten = redis.call('LINDEX', list, 0), 0
  while oldest and forgotten < AT_MOST and not is_after(string.match(oldest, '^%S+'), id) do
    forget_foreign(stream)
    oldest, forgotten = redis.call('LINDEX', list, 0), forgotten + 1
  end
end

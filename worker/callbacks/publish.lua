-- Append events to their streams, each once, in order.
-- KEYS: replies, receipts, optouts, quarantine, foreign bytes, unread trimmed
-- ARGV: retention ms, stream maxlen, key prefix, bytes for foreign entries of one stream; then per event: event_id,
--       stream 1-4 as in KEYS, request_id or '', number, delivery value or '', how many fields and values, and these.
--       The keys of marks and deliveries are derived from the prefix, those of the lists of foreign entries from the
--       streams.
-- Returns per event 1 when appended, 0 when it was there already; then per stream how many entries were dropped before
--   the slowest group had read them. Safe to repeat.
-- An entry is foreign if it belongs to no send of ours. Anybody who has a token can make such entries: they have room of
-- their own in each stream, by number and bytes, and what is over drops the oldest foreign ones, never the others.
local streams = { KEYS[1], KEYS[2], KEYS[3], KEYS[4] }
local foreign_bytes, unread_trimmed = KEYS[5], KEYS[6]
local retention, maxlen, prefix, room = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
-- What an entry costs beside its fields: its mark, its place in the list of foreign entries.
local OVERHEAD = 256
-- Trimming many at a time is cheaper; too many at a time would keep Redis from others.
local SLACK, AT_MOST = 100, 1000

-- Which of two receipts stands, in whatever order and number they come: the one of higher rank, then the later one, then
-- by name: of equally late final ones DELIVERED before its like, of others what comes after ACK.
local function outdoes(value, known)
  local rank, at, status = string.match(value, '^(%d+)|([^|]*)|(.*)$')
  local rank_before, at_before, status_before = string.match(known, '^(%d+)|([^|]*)|(.*)$')
  if rank ~= rank_before then return tonumber(rank) > tonumber(rank_before) end
  if at ~= at_before then return at > at_before end
  if rank == '0' then return status > status_before end
  return status < status_before
end

local function note_delivery(deliveries, number, value)
  local known = redis.call('HGET', deliveries, number)
  if not known or outdoes(value, known) then redis.call('HSET', deliveries, number, value) end
  redis.call('PEXPIRE', deliveries, retention)
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
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    for i = 1, #group, 2 do
      if group[i] == 'last-delivered-id' and (not slowest or is_after(slowest, group[i + 1])) then
        slowest = group[i + 1]
      end
    end
  end
  return slowest
end

local touched, unread = {}, { 0, 0, 0, 0 }

local function count_unread(number, ids)
  local read = read_by_all(streams[number])
  if not read then return end
  for _, id in ipairs(ids) do
    if is_after(id, read) then unread[number] = unread[number] + 1 end
  end
end

-- Forget the oldest foreign entry; its mark goes, too, or marks would be what fills Redis.
local function forget_foreign(number)
  local id, event_id, size = string.match(redis.call('LPOP', streams[number] .. ':foreign'), '^(%S+) (%S+) (%d+)$')
  redis.call('DEL', prefix .. 'seen:' .. event_id)
  return id, redis.call('HINCRBY', foreign_bytes, number, -size)
end

local function note_foreign(number, id, event_id, size)
  local list, dropped = streams[number] .. ':foreign', {}
  local entries = redis.call('RPUSH', list, id .. ' ' .. event_id .. ' ' .. size)
  if entries == 1 then redis.call('HDEL', foreign_bytes, number) end
  local bytes = redis.call('HINCRBY', foreign_bytes, number, size)
  while entries > 1 and (bytes > room or entries > maxlen) and #dropped < AT_MOST do
    dropped[#dropped + 1], bytes = forget_foreign(number)
    entries = entries - 1
  end
  if #dropped > 0 then
    count_unread(number, dropped)
    redis.call('XDEL', streams[number], unpack(dropped))
  end
end

local function trim(number)
  local stream, list = streams[number], streams[number] .. ':foreign'
  local length = redis.call('XLEN', stream)
  local over = math.min(length - maxlen - redis.call('LLEN', list), AT_MOST)
  if over < SLACK then return end
  local ids = {}
  for i, entry in ipairs(redis.call('XRANGE', stream, '-', '+', 'COUNT', over)) do ids[i] = entry[1] end
  count_unread(number, ids)
  redis.call('XTRIM', stream, 'MAXLEN', '=', length - over)
  local head = redis.call('LINDEX', list, 0)
  while head and not is_after(string.match(head, '^%S+'), ids[#ids]) do
    forget_foreign(number)
    head = redis.call('LINDEX', list, 0)
  end
end

local result, i = {}, 5
while i < #ARGV do
  local event_id, number, request_id = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2]
  local first, last = i + 6, i + 5 + ARGV[i + 5]
  local fresh = redis.call('SET', prefix .. 'seen:' .. event_id, '1', 'NX', 'PX', retention)
  if fresh then
    local id = redis.call('XADD', streams[number], '*', unpack(ARGV, first, last))
    touched[number] = true
    if request_id == '' then
      local size = OVERHEAD
      for field = first, last do size = size + #ARGV[field] end
      note_foreign(number, id, event_id, size)
    elseif ARGV[i + 4] ~= '' then
      note_delivery(prefix .. 'deliveries:' .. request_id, ARGV[i + 3], ARGV[i + 4])
    end
  end
  result[#result + 1] = fresh and 1 or 0
  i = last + 1
end
for number, stream in ipairs(streams) do
  if touched[number] then trim(number) end
  if unread[number] > 0 then redis.call('HINCRBY', unread_trimmed, string.sub(stream, #prefix + 1), unread[number]) end
  result[#result + 1] = unread[number]
end
return result

-- Append events to their streams, each once, in order, and forget the bytes of callbacks that are done with them. That is one step: after a
-- failover none is forgotten by a server that lacks its events.
-- Given: retention_ms, maxlen, foreign_bytes (room for the foreign entries of one stream), keys, scoped (whether an opt-out ends only
--   what has the scope of the message that it answers), events (each id, older, stream, fields, request_id, number, delivery, turn, talk,
--   country, received_ms, optout, told_of, price, wrote,
--   counted, came), done (callbacks that are done with these)
-- Returns 'pseudonym keys have changed', or a list with 1 for each event that was appended, 0 for one that was there already; a list of
--   names and numbers by turns: how many entries a stream dropped before its slowest group had read them; and one of numbers and turns
--   by turns: who had written what was dropped, and what it is called in his conversation. Safe to repeat.
-- older: what the same event is called under older keys; it may have come before the key was changed.
-- The fields of an event are names and values by turns. An event that belongs to no send of ours has no request_id; only a
-- receipt has a number and a delivery, and only a reply has a country and received_ms. A reply and an opt-out that somebody wrote have a
-- turn ('in', 'opt') and talk, the pseudonym of their number: they are listed in the conversation with that number, and a reply by its
-- country. When the stream drops them, unlist_turns.lua takes them out of the conversation.
-- price: what a receipt says that a segment to its recipient has cost: unit, in euros, and the pseudonyms of to whom.
-- wrote: the pseudonyms of who wrote a reply: a consent may have been noted under an older key.
-- told_of: the pseudonyms of whom the network tells something. If that person was erased lately, and is not named by the send that the
-- event belongs to, it is dropped: a receipt that comes late must not bring a number back. What a person writes is never dropped.
-- counted: the name under which the event is counted, if it is; came: when its callback came, ms, if that is known.
-- An opt-out is carried out in the step that appends it: lua/optouts.lua says what optout holds. What finds nothing to lift is no entry.
-- An entry is foreign if it belongs to no send of ours. Anybody who has a token can make such entries. They have room of their own in
-- each stream, by number and bytes; beyond it the oldest foreign entries are dropped, never others.
-- uses: known_key keys deliveries corrections talks clock suppressed optouts streams tallies delays
if not is_key_known() then return KEYS_HAVE_CHANGED end

-- What an entry costs beside its fields: its mark, its place in the list of foreign entries.
local OVERHEAD = 256
-- And what a turn of a conversation costs beside that: its places there and by country.
local LISTED = 384
-- Trimming many at a time is cheaper; too many at a time would keep Redis from others.
local SLACK = 100

local somebody_agreed = redis.call('EXISTS', prefix .. 'consent') == 1

-- A consent counts from the last contact that the person has made.
local function note_contact(pseudonym, at)
  local known = somebody_agreed and redis.call('HGET', prefix .. 'consent', pseudonym)
  if not known then return end
  local agreed, last, rest = string.match(known, '^(%d+)|(%d+)|(.*)$')
  if agreed and tonumber(last) < at then
    redis.call('HSET', prefix .. 'consent', pseudonym, string.format('%s|%d|%s', agreed, math.min(at, now), rest))
  end
end

local function list_turn(id, event)
  if event.country then
    redis.call('ZADD', by_country_key(event.country), string.match(id, '^%d+'), id)
    recounted[event.country] = true
  end
  -- The date of an opt-out is the gateway's, or of whoever wrote the callback: it may lie far ahead.
  note_talk(event.talk, event.turn .. ':' .. id, event.received_ms or tonumber(string.match(id, '^%d+')))
end

-- Take replies off the lists that are older than the stream, some at a time: somebody has deleted the stream, or entries of it, by
-- hand. There are such replies while more are listed than the stream has.
local function unlist_lost()
  local listed, left = 0, AT_MOST
  recounted = {}
  for _, count in ipairs(redis.call('HVALS', prefix .. 'replies:countries')) do listed = listed + count end
  if listed <= redis.call('XLEN', prefix .. 'replies') then return end
  local first = redis.call('XRANGE', prefix .. 'replies', '-', '+', 'COUNT', 1)[1][1]
  for _, country in ipairs(redis.call('HKEYS', prefix .. 'replies:countries')) do
    local key, before = by_country_key(country), '(' .. string.match(first, '^%d+')
    local lost = redis.call('ZRANGEBYSCORE', key, '-inf', before, 'LIMIT', 0, left)
    if #lost > 0 then
      redis.call('ZREM', key, unpack(lost))
      left = left - #lost
      recounted[country] = true
    end
  end
end

local function note_foreign(stream, id, event)
  local list, size, dropped = foreign_key(stream), event.turn and OVERHEAD + LISTED or OVERHEAD, {}
  for _, part in ipairs(event.fields) do size = size + #part end
  local entries = redis.call('RPUSH', list, id .. ' ' .. event.id .. ' ' .. size)
  if entries == 1 then redis.call('HDEL', prefix .. 'foreign_bytes', stream) end
  local bytes = redis.call('HINCRBY', prefix .. 'foreign_bytes', stream, size)
  while entries > 1 and (bytes > given.foreign_bytes or entries > given.maxlen) and #dropped < AT_MOST do
    dropped[#dropped + 1], bytes = forget_foreign(stream)
    entries = entries - 1
  end
  if #dropped > 0 then
    count_unread(stream, dropped)
    if TURN_OF[stream] then
      for _, dropped_id in ipairs(dropped) do
        unlist(stream, redis.call('XRANGE', prefix .. stream, dropped_id, dropped_id))
      end
    end
    redis.call('XDEL', prefix .. stream, unpack(dropped))
  end
end

local function trim(stream)
  local key, list = prefix .. stream, foreign_key(stream)
  local length = redis.call('XLEN', key)
  local over = math.min(length - given.maxlen - redis.call('LLEN', list), AT_MOST)
  if over < SLACK then return end
  local ids, entries = {}, redis.call('XRANGE', key, '-', '+', 'COUNT', over)
  for i, entry in ipairs(entries) do ids[i] = entry[1] end
  count_unread(stream, ids)
  if TURN_OF[stream] then unlist(stream, entries) end
  redis.call('XTRIM', key, 'MAXLEN', '=', length - over)
  -- Somebody may have deleted the stream by hand, and left its foreign entries in the list.
  forget_foreign_up_to(stream, ids[#ids])
end

-- Note a receipt of a send of ours, and let its entry say where its recipient stands now.
local function note_receipt(event)
  local state, fields = note_delivery(event.request_id, event.number, event.delivery), event.fields
  for i = 1, #fields, 2 do
    if state and fields[i] == 'state' then fields[i + 1] = state end
  end
end

local function was_seen(ids)
  for _, id in ipairs(ids) do
    if redis.call('EXISTS', prefix .. 'seen:' .. id) == 1 then return true end
  end
  return false
end

local ERASED = prefix .. 'erased'
local somebody_erased = redis.call('EXISTS', ERASED) == 1

local function is_any_erased(pseudonyms)
  for _, pseudonym in ipairs(pseudonyms) do
    if redis.call('ZSCORE', ERASED, pseudonym) then return true end
  end
  return false
end

-- A send that was queued after the erasure names the person. One that was open then lost the name at once, and loses the number at its end.
local function is_of_erased(event)
  if not somebody_erased or not event.told_of or not is_any_erased(event.told_of) then return false end
  local to = event.request_id and redis.call('HGET', keys_of(event.request_id).record, 'to') or ''
  for _, pseudonym in ipairs(event.told_of) do
    if string.find(' ' .. to .. ' ', ' ' .. pseudonym .. ' ', 1, true) then return false end
  end
  return true
end

-- What an opt-out is about. The gateway blocks a number for the whole account.
local function scope_of(event)
  local narrow = given.scoped and event.request_id and event.optout.reason ~= 'gateway'
  return narrow and redis.call('HGET', keys_of(event.request_id).record, 'scope') or ACCOUNT
end

local function append(event)
  if event.request_id and event.delivery then note_receipt(event) end
  if event.price then correct_spent(event.request_id, event.price.to, event.price.unit) end
  if event.optout and not carry_out(event.optout, scope_of(event), event.fields) then return nil end
  return redis.call('XADD', prefix .. event.stream, '*', unpack(event.fields))
end

-- Append an event and return the id of its entry; nil if it was there already. What a script has done before it fails stays done, and
-- an event that has its mark would never be appended: so the mark goes where a key of another type, or a damaged one, is in the way.
local function append_once(event)
  local mark = prefix .. 'seen:' .. event.id
  if was_seen(event.older) or not redis.call('SET', mark, '1', 'NX', 'PX', given.retention_ms) then return nil end
  local done, id = pcall(append, event)
  if done then return id end
  redis.call('DEL', mark)
  -- What was appended before keeps its mark, and is never counted again.
  write_tallies()
  error(id)
end

-- The streams that got an entry, in order.
local appended, told, touched, is_touched = {}, {}, {}, {}
for i, event in ipairs(given.events) do
  local id = not is_of_erased(event) and append_once(event)
  if id then
    if not is_touched[event.stream] then
      touched[#touched + 1], is_touched[event.stream] = event.stream, true
    end
    if event.turn then list_turn(id, event) end
    if event.counted then tally(event.counted, 1) end
    if event.came then tally_delay('inbound:' .. event.stream, now - event.came) end
    for _, pseudonym in ipairs(event.wrote or {}) do note_contact(pseudonym, event.received_ms) end
    if not event.request_id then
      note_foreign(event.stream, id, event)
    end
  end
  appended[i] = id and 1 or 0
end
for _, stream in ipairs(touched) do
  trim(stream)
  local missed = tell_unread(stream)
  if missed > 0 then told[#told + 1], told[#told + 2] = stream, missed end
end
count_replies()
if next(recounted) then
  unlist_lost()
  count_replies()
end
write_tallies()
for _, callback in ipairs(given.done) do redis.call('DEL', prefix .. 'callback:' .. callback) end
return { appended, told, gone }

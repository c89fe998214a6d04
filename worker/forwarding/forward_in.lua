-- Take what streams hold for a forwarder into its store: each entry is read, copied and acknowledged in one step, so that nothing
-- lies between. What waits then no longer needs the stream. A forwarder that has no room leaves the rest in the streams.
-- Given: forward (its name), streams (each name, start: where a group that is not there begins, an entry id or '$' for what is added
--   from now on), most (entries of a stream at once), room (events that may wait at most)
-- Returns entries taken, 1 if there was no room for more, and then for each stream the id of its last entry. Safe to repeat: an entry
--   is given out once.
-- uses: clock forwards
local keys = forward_keys()
local group = 'forward:' .. given.forward

local function last_of(stream)
  local last = redis.call('XREVRANGE', stream, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end

-- What an earlier call has read and not acknowledged, since Redis refused an entry of it, comes first.
local function read_next(stream, start, count)
  local function read_from(place)
    return redis.pcall('XREADGROUP', 'GROUP', group, 'intake', 'COUNT', count, 'STREAMS', stream, place)
  end
  local left = read_from('0')
  if left and not left.err and #left[1][2] > 0 then return left[1][2] end
  local found = read_from('>')
  if found and found.err then
    -- The group is missing, or the stream. Any other trouble is the same with the next command, which does not hide it.
    redis.call('XGROUP', 'CREATE', stream, group, start == '$' and last_of(stream) or start, 'MKSTREAM')
    found = read_from('>')
  end
  return found and found[1][2] or {}
end

local function field_of(fields, name)
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
end

-- Name an event: by its own event_id, or by its place if it has none, or one that is no plain word: somebody has tried out the
-- stream with an entry of his own. `event_id_of` in store.py says the same.
local function name_of(id, fields)
  local own = field_of(fields, 'event_id')
  return own and #own <= 200 and string.find(own, '^[!-~]+$') and own or id
end

local reply = { 0, 0 }
for _, source in ipairs(given.streams) do
  local stream = prefix .. source.name
  local count = math.min(given.most, given.room - redis.call('ZCARD', keys.waiting))
  if count < given.most then reply[2] = 1 end
  for _, entry in ipairs(count > 0 and read_next(stream, source.start, count) or {}) do
    local id, fields = entry[1], entry[2]
    -- One that the stream has dropped has no fields any more.
    if fields then
      await(keys, { id = name_of(id, fields), stream = source.name, entry = id, fields = fields }, now)
    end
    redis.call('XACK', stream, group, id)
    reply[1] = reply[1] + 1
  end
  reply[#reply + 1] = last_of(stream)
end
return reply

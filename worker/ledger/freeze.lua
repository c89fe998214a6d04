-- Freeze some members of a shared call that nobody has posted yet, or that was surely not taken: put their recipients
-- into its one body, under a fresh id for the gateway. Hundreds at once would keep Redis from the alerts.
-- KEYS: ready, wake
-- ARGV: record version, key prefix, retention ms, statuses maxlen, call id, fresh request_id, members at most
-- Returns how many are left to freeze; 0 when the call is ready to be claimed, has no member left, or is not to be
-- frozen: claim.lua says what it is. Safe to repeat. What is frozen stays until the call is thawed: by its claim when
-- a member's time is over, by a member that is cancelled, because it was not taken, or on another server, which may have
-- forgotten that members left alone: those older than it leave alone. Then all are looked at again.
local ready, wake_key = KEYS[1], KEYS[2]
local version, prefix, retention, maxlen = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), ARGV[4]
local call, fresh = ARGV[5], ARGV[6]
local now, keys = now_ms(), keys_of(prefix, call)
local map, list = prefix .. 'members:' .. call, prefix .. 'gathered:' .. call
local r = redis.call('HMGET', keys.record, 'state', 'doubt', 'composed', 'share', 'tail', 'expires', 'weight',
  'v', 'era')
if r[1] ~= 'queued' or r[2] or tonumber(r[8]) > version then return 0 end
local era = era_of(prefix)
if r[9] ~= era then r[3] = nil end
if r[3] == 'done' then return 0 end
local share, tail, expires, weight = r[4], r[5], tonumber(r[6] or math.huge), tonumber(r[7] or 0)
local begun = r[3] == 'partly' and tail
if r[3] ~= 'partly' then
  local before = redis.call('HVALS', map)
  if #before > 0 then redis.call('RPUSH', list, unpack(before)) end
  redis.call('DEL', map, keys.body)
  redis.call('HDEL', keys.record, 'tail', 'expires', 'weight', 'used')
  redis.call('HSET', keys.record, 'composed', 'partly', 'era', era)
  tail, expires, weight = false, math.huge, 0
end

-- The parts of a member's body, which the producers write in this order: {"recipients":[one],"text":...
local HEAD = '{"recipients":['
local function end_without_call(id, state, code)
  local member = keys_of(prefix, id)
  if code then redis.call('HSET', member.record, 'code', code) end
  end_record(member, state, id, retention, maxlen, now)
end

-- The members that still want to be sent, and then those of them whose body is there, with their numbers. They stay in
-- the list until the end of this script: an error in the middle must lose nobody.
local wanted, bodies = {}, {}
for _, id in ipairs(redis.call('LRANGE', list, 0, ARGV[7] - 1)) do
  local record = prefix .. 'record:' .. id
  local m = redis.call('HMGET', record, 'state', 'expires', 'call', 'segments', 'v', 'aside', 'era')
  if m[6] then leave_aside(keys_of(prefix, id), id) end
  if m[1] == 'sending' and not m[3] then
    -- Claimed alone by a worker that had lost it: whoever sees to that attempt needs an entry.
    push(ready, wake_key, id)
  elseif tonumber(m[5] or 0) > version then
    -- Written by newer producers: it waits, alone, for a newer worker.
    if m[3] then redis.call('HDEL', record, 'call') end
    push(ready, wake_key, id)
  elseif m[1] == 'queued' and (not m[3] or m[3] == call) and m[7] ~= era then
    -- Perhaps it has left alone, and this server has forgotten it.
    redis.call('HDEL', record, 'call')
    push(ready, wake_key, id)
  elseif m[1] == 'queued' and (not m[3] or m[3] == call) then
    if m[2] and tonumber(m[2]) <= now then
      end_without_call(id, 'expired')
    else
      wanted[#wanted + 1] = { id = id, record = record, call = m[3], expires = tonumber(m[2] or math.huge),
        weight = tonumber(m[4] or 1) }
      bodies[#bodies + 1] = prefix .. 'body:' .. id
    end
  end
end
local found, numbers = {}, {}
for i, body in ipairs(#bodies > 0 and redis.call('MGET', unpack(bodies)) or {}) do
  local member = wanted[i]
  local cut = body and string.find(body, '],"text":', 1, true)
  local recipient = cut and string.sub(body, #HEAD + 1, cut - 1)
  local number = recipient and string.match(recipient, '"phone_number":"(%+%d+)"')
  if not body then
    end_without_call(member.id, 'failed', 'body_lost')
  elseif not number then
    -- Not as the producers write it: alone it harms nobody else.
    redis.call('HDEL', member.record, 'call')
    push(ready, wake_key, member.id)
  else
    member.recipient = recipient
    tail = tail or string.gsub(string.sub(body, cut), '"request_id":"[^"]*"', '"request_id":"' .. fresh .. '"', 1)
    found[#found + 1], numbers[#numbers + 1] = member, number
  end
end

local parts, pairs_of, seen = {}, {}, {}
local taken = #numbers > 0 and redis.call('HMGET', map, unpack(numbers)) or {}
for i, member in ipairs(found) do
  local number = numbers[i]
  if taken[i] or seen[number] then
    -- Never the same number twice in one call: this one gathers again, although it may have been in before a thaw.
    if member.call then redis.call('HDEL', member.record, 'call') end
    gather(prefix, ready, wake_key, share, member.id)
  else
    seen[number] = true
    parts[#parts + 1] = member.recipient
    pairs_of[#pairs_of + 1], pairs_of[#pairs_of + 2] = number, member.id
    if member.call ~= call then redis.call('HSET', member.record, 'call', call) end
    expires, weight = math.min(expires, member.expires), weight + member.weight
  end
end
if #parts > 0 then
  redis.call('HSET', map, unpack(pairs_of))
  redis.call('APPEND', keys.body, (begun and ',' or HEAD) .. table.concat(parts, ','))
  redis.call('HSET', keys.record, 'tail', tail, 'weight', weight)
  if expires < math.huge then redis.call('HSET', keys.record, 'expires', expires) end
end

redis.call('LTRIM', list, ARGV[7], -1)
local left = redis.call('LLEN', list)
if left == 0 then
  local members = redis.call('HLEN', map)
  if members == 0 then
    leave_aside(keys, call)
    redis.call('DEL', keys.record)
  else
    redis.call('APPEND', keys.body, tail)
    redis.call('HSET', keys.record, 'composed', 'done', 'members', members, 'recipients', members)
    redis.call('HDEL', keys.record, 'tail')
  end
end
return left

-- Create records and queue their sends, all or nothing.
-- KEYS: alert ready, delayed, wake; marketing ready, delayed, wake; counts
-- ARGV: record version, key prefix, retention ms, messages (MessagePack: per message an array of request_id, digest,
--       queue name, due ms or nil, ttl ms or nil, body, context or '', segments, recipients, share or '',
--       campaign or '')
-- Returns what was not created, three by three: position from 0, 'existing' | 'conflict', state; and of a campaign's
--   slices 'ended', '' when that is so long ago that the record is gone, 'stopped', '' when the campaign was cancelled
-- Safe to repeat: an existing record with the same digest is returned untouched.
-- A slice is <campaign>.<number>, and is noted in its campaign in the step that queues it: whatever is killed, refused
-- or lost, both are there or neither is.
-- Keys of records and bodies are derived: same slot, not declared. Naming them, and the parts of a message one by one,
-- takes the application several times as long as writing the message, and Redis twice as long.
local now, version, prefix, retention = now_ms(), ARGV[1], ARGV[2], ARGV[3]
local messages = cmsgpack.unpack(ARGV[4])
local queues = {
  alert = { ready = KEYS[1], delayed = KEYS[2], wake = KEYS[3], ids = {} },
  marketing = { ready = KEYS[4], delayed = KEYS[5], wake = KEYS[6], ids = {} },
}
local records, bodies, seen, others, shares = {}, {}, {}, {}, {}
local era
local function add(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end

local function note(key, slice, recipients)
  redis.call('HSETNX', key, 'started', now)
  redis.call('HINCRBY', key, 'recipients', recipients)
  if slice >= tonumber(redis.call('HGET', key, 'slices') or 0) then redis.call('HSET', key, 'slices', slice + 1) end
  redis.call('HDEL', key, 'complete')
  keep_campaign(key)
end

-- What a campaign says about a slice. A run that is at work must not outlive what it was told of the slices before.
local function remembered(key, slice)
  if redis.call('PEXPIRE', key, retention, 'GT') == 1 then
    redis.call('PEXPIREAT', key .. ':ended', redis.call('PEXPIRETIME', key))
  end
  return redis.call('HEXISTS', key, 'stopped') == 1 and 'stopped'
    or redis.call('GETBIT', key .. ':ended', slice) == 1 and 'ended'
end

for i, message in ipairs(messages) do records[i] = prefix .. 'record:' .. message[1] end
local all_new = #records > 0 and redis.call('EXISTS', unpack(records)) == 0

for i, message in ipairs(messages) do
  local id, digest, queue, due, ttl, body, context, segments, recipients, share, campaign = unpack(message, 1, 11)
  local known = (not all_new or seen[id]) and redis.call('HMGET', records[i], 'state', 'digest')
  seen[id] = true
  local key = campaign ~= '' and prefix .. 'campaign:' .. campaign
  local slice = key and tonumber(string.sub(id, #campaign + 2))
  local verdict = key and remembered(key, slice)
  local state = known and known[1]
  if state and verdict ~= 'stopped' then verdict = known[2] == digest and 'existing' or 'conflict' end
  if verdict then
    others[#others + 1] = i - 1
    add(others, verdict, verdict ~= 'stopped' and state or '')
  else
    local fields = { 'v', version, 'state', 'queued', 'digest', digest, 'queue', queue, 'queued', now,
      'segments', segments }
    if due then add(fields, 'due', due) end
    if ttl then add(fields, 'expires', math.max(now, due or 0) + ttl) end
    if context ~= '' then add(fields, 'context', context) end
    if recipients ~= 1 then add(fields, 'recipients', recipients) end
    if share ~= '' then
      era = era or redis.call('HGET', prefix .. 'memory', 'era') or era_of(prefix)
      add(fields, 'share', share)
      add(fields, 'era', era)
    end
    if key then
      add(fields, 'campaign', campaign)
      note(key, slice, recipients)
    end
    redis.call('HSET', records[i], unpack(fields))
    add(bodies, prefix .. 'body:' .. id, body)
    local to = queues[queue]
    if due and due > now then
      redis.call('ZADD', to.delayed, due, id)
      wake(to.wake)
    elseif share ~= '' then
      shares[share] = shares[share] or { to = to, ids = {} }
      shares[share].ids[#shares[share].ids + 1] = id
    else
      to.ids[#to.ids + 1] = id
    end
  end
end

if #bodies > 0 then
  redis.call('MSET', unpack(bodies))
  redis.call('HINCRBY', KEYS[7], 'enqueued', #bodies / 2)
end
for _, to in pairs(queues) do
  if #to.ids > 0 then redis.call('RPUSH', to.ready, unpack(to.ids)) end
  for _ = 1, math.min(#to.ids, 16) do wake(to.wake) end
end
for share, sharing in pairs(shares) do
  local to, ids = sharing.to, sharing.ids
  gather(prefix, to.ready, to.wake, share, ids[1])
  if #ids > 1 then redis.call('RPUSH', prefix .. 'gather:' .. share, unpack(ids, 2)) end
end
return others

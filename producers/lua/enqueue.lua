-- Create records and queue their sends, all or nothing.
-- KEYS: alert ready, delayed, wake; marketing ready, delayed, wake; counts
-- ARGV: record version, key prefix, messages (MessagePack: per message an array of request_id, digest, queue name,
--       due ms or nil, ttl ms or nil, body, context or '', segments, recipients, share or '', campaign or '')
-- Returns what was not created, three by three: position from 0, 'existing' | 'conflict', state
-- Safe to repeat: an existing record with the same digest is returned untouched.
-- Keys of records and bodies are derived: same slot, not declared. Naming them, and the parts of a message one by one,
-- takes the application several times as long as writing the message, and Redis twice as long.
local now, version, prefix = now_ms(), ARGV[1], ARGV[2]
local messages = cmsgpack.unpack(ARGV[3])
local queues = {
  alert = { ready = KEYS[1], delayed = KEYS[2], wake = KEYS[3], ids = {} },
  marketing = { ready = KEYS[4], delayed = KEYS[5], wake = KEYS[6], ids = {} },
}
local records, bodies, seen, others, shares, campaigns = {}, {}, {}, {}, {}, {}
local function add(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end
for i, message in ipairs(messages) do records[i] = prefix .. 'record:' .. message[1] end
local all_new = #records > 0 and redis.call('EXISTS', unpack(records)) == 0

for i, message in ipairs(messages) do
  local id, digest, queue, due, ttl, body, context, segments, recipients, share, campaign = unpack(message, 1, 11)
  local known = (not all_new or seen[id]) and redis.call('HMGET', records[i], 'state', 'digest')
  seen[id] = true
  if known and known[1] then
    others[#others + 1] = i - 1
    add(others, known[2] == digest and 'existing' or 'conflict', known[1])
  else
    local fields = { 'v', version, 'state', 'queued', 'digest', digest, 'queue', queue, 'queued', now,
      'segments', segments }
    if due then add(fields, 'due', due) end
    if ttl then add(fields, 'expires', math.max(now, due or 0) + ttl) end
    if context ~= '' then add(fields, 'context', context) end
    if recipients ~= 1 then add(fields, 'recipients', recipients) end
    if share ~= '' then add(fields, 'share', share) end
    if campaign ~= '' then
      add(fields, 'campaign', campaign)
      campaigns[campaign] = (campaigns[campaign] or 0) + recipients
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
for campaign, recipients in pairs(campaigns) do
  redis.call('HINCRBY', prefix .. 'campaign:' .. campaign, 'recipients', recipients)
end
return others

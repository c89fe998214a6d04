-- Create records and queue their sends, all or nothing.
-- Given: version, retention_ms, messages (lists of request_id, digest, queue, due ms or nil, ttl ms or nil, body, context or '',
--   segments, recipients, share or '', campaign or '', talk or nil, receipts), keep_texts, fresh_secret (with a message that has talk). Of a
--   message in conversations talk has numbers, two_way, reply_to or ''. receipts: 0 when
--   the gateway reports on none, 1, or when it is to send, ms.
-- Returns what was not created, three by three: position from 0, 'existing' | 'conflict', state; and of a campaign's slices 'ended',
--   '' when that is so long ago that the record is gone, 'stopped', '' when the campaign was cancelled. Safe to repeat: an existing
--   record with the same digest is returned untouched.
-- A slice is <campaign>.<number>, and is noted in its campaign in the step that queues it: whatever is killed, refused or lost, both
-- are there or neither is.
-- A message is a list, and no map: to name the parts one by one takes the application several times as long as writing the message.
-- uses: clock queue eras campaign keys talks
local keys, records, bodies, seen, others, queues, shares = {}, {}, {}, {}, {}, {}, {}
local NOTHING = {}
local era
local function add(list, name, value)
  list[#list + 1] = name
  list[#list + 1] = value
end

local function queue_of(name)
  queues[name] = queues[name] or { keys = queue_keys(name), ids = {} }
  return queues[name]
end

local function note(id, slice, recipients)
  local campaign = campaign_key(id)
  note_start(id)
  redis.call('HINCRBY', campaign, 'recipients', recipients)
  if slice >= tonumber(redis.call('HGET', campaign, 'slices') or 0) then redis.call('HSET', campaign, 'slices', slice + 1) end
  redis.call('HDEL', campaign, 'complete')
  keep_campaign(campaign)
end

-- What a campaign says about a slice. A run that is at work must not outlive what it was told of the slices before.
local function remembered(campaign, slice)
  if redis.call('PEXPIRE', campaign, given.retention_ms, 'GT') == 1 then end_together(campaign) end
  return is_cancelled(campaign) and 'stopped' or redis.call('GETBIT', ended_key(campaign), slice) == 1 and 'ended'
end

for i, message in ipairs(given.messages) do
  keys[i] = keys_of(message[1])
  records[i] = keys[i].record
end
local all_new = #records > 0 and redis.call('EXISTS', unpack(records)) == 0

for i, message in ipairs(given.messages) do
  local id, digest, queue, due, ttl, body, context, segments, recipients, share, campaign_id, talk, receipts =
    unpack(message, 1, 13)
  local known = (not all_new or seen[id]) and read(records[i], 'state', 'digest') or NOTHING
  seen[id] = true
  local campaign = campaign_id ~= '' and campaign_key(campaign_id)
  local slice = campaign and tonumber(string.sub(id, #campaign_id + 2))
  local verdict = campaign and remembered(campaign, slice)
  if known.state and verdict ~= 'stopped' then verdict = known.digest == digest and 'existing' or 'conflict' end
  if verdict then
    others[#others + 1] = i - 1
    add(others, verdict, verdict ~= 'stopped' and known.state or '')
  else
    local fields = { 'v', given.version, 'state', 'queued', 'digest', digest, 'queue', queue, 'queued', now, 'segments', segments }
    if due then add(fields, 'due', due) end
    if ttl then add(fields, 'expires', math.max(now, due or 0) + ttl) end
    if context ~= '' then add(fields, 'context', context) end
    if recipients ~= 1 then add(fields, 'recipients', recipients) end
    if receipts > 0 then add(fields, 'receipts', receipts) end
    if share ~= '' then
      era = era or redis.call('HGET', prefix .. 'memory', 'era') or current_era()
      add(fields, 'share', share)
      add(fields, 'era', era)
    end
    if campaign then
      add(fields, 'campaign', campaign_id)
      note(campaign_id, slice, recipients)
    end
    if talk then
      if talk.two_way then add(fields, 'two_way', 1) end
      if talk.reply_to ~= '' then add(fields, 'reply_to', talk.reply_to) end
      if given.keep_texts then add(fields, 'keep', 1) end
      for _, number in ipairs(talk.numbers) do note_talk(number, 'out:' .. id, math.max(now, due or 0)) end
    end
    redis.call('HSET', records[i], unpack(fields))
    add(bodies, keys[i].body, body)
    local to = queue_of(queue)
    if due and due > now then
      redis.call('ZADD', to.keys.delayed, due, id)
      wake(to.keys)
    elseif share ~= '' then
      shares[share] = shares[share] or { queue = to.keys, ids = {} }
      shares[share].ids[#shares[share].ids + 1] = id
    else
      to.ids[#to.ids + 1] = id
    end
  end
end

if #bodies > 0 then
  redis.call('MSET', unpack(bodies))
  redis.call('HINCRBY', prefix .. 'counts', 'enqueued', #bodies / 2)
end
for _, to in pairs(queues) do
  if #to.ids > 0 then redis.call('RPUSH', to.keys.ready, unpack(to.ids)) end
  for _ = 1, math.min(#to.ids, 16) do wake(to.keys) end
end
for share, sharing in pairs(shares) do
  gather(sharing.queue, share, sharing.ids[1])
  if #sharing.ids > 1 then redis.call('RPUSH', gather_key(share), unpack(sharing.ids, 2)) end
end
return others

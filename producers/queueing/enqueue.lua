-- Create records and queue their sends, all or nothing.
-- Given: version, retention_ms, messages (lists of request_id, digest, queue, due ms or nil, ttl ms or nil, body, context or '',
--   segments, recipients, share or '', campaign or '', talk or nil, receipts, to, older digests or nil, dues or nil, block or nil,
--   twin or nil), keep_texts, keys, maxlen, app, money, budget, guard. Of a message in conversations talk has two_way, reply_to or
--   ''. to: the pseudonyms of its recipients. receipts: 0 when the gateway reports on none, 1, or when it is to send, ms. block: of an
--   alert to one number. twin: what names the same text for the same numbers. app: the application, or ''. budget: micro-euros that the
--   campaign may cost, or nil. money and dues: see estimates.lua. guard: see guards.lua.
-- Returns 'pseudonym keys have changed'; or 'unpriced ' and the tariff that has no price; or what there is to say, three by three:
--   position from 0, 'existing' | 'conflict', state; 'twin', the request_id of the same text; 'cancelled', the code of a new message
--   that has ended at once; and of a campaign's slices 'ended', '' when that is so long ago that the record is gone, 'stopped', '' when
--   the campaign was cancelled, 'over_budget', its limit and what was wanted. A message that is not named was created.
-- Safe to repeat: an existing record with the same digest, or with an older one, is returned untouched. Older digests are of the same
--   content under older keys.
-- A slice is <campaign>.<number>, and is noted in its campaign in the step that queues it: whatever is killed, refused or lost, both
-- are there or neither is.
-- A message is a list, and no map: to name the parts one by one takes the application several times as long as writing the message.
-- uses: known_key clock queue eras campaign keys talks estimates guards record spending alarms
if not is_key_known() then return KEYS_HAVE_CHANGED end
local unpriced = learn_tariffs()
if unpriced then return 'unpriced ' .. unpriced end

local keys, records, bodies, seen, others, queues, shares = {}, {}, {}, {}, {}, {}, {}
local NOTHING = {}
local era
local created = 0
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

-- Why a slice may not be queued: with it the campaign would cost more than its budget. Else its estimate is reserved.
local function over_campaign_budget(campaign, estimate)
  local c = read(campaign, 'limit', 'reserved', 'spent', 'alarmed')
  local limit = given.budget or tonumber(c.limit)
  if not limit then return nil end
  local used = tonumber(c.reserved or 0) + tonumber(c.spent or 0) + estimate
  if used > limit then return whole(limit) .. ' ' .. whole(used) end
  redis.call('HSET', campaign, 'limit', whole(limit), 'reserved', whole(tonumber(c.reserved or 0) + estimate))
  local percent = limit > 0 and used * 100 / limit or 0
  local level = percent >= 100 and 100 or percent >= 80 and 80 or percent >= 50 and 50 or 0
  -- Of another budget nothing was told yet.
  if level > (tonumber(c.limit) == limit and tonumber(c.alarmed or 0) or 0) then
    redis.call('HSET', campaign, 'alarmed', level)
    alarm('budget', string.sub(campaign, #prefix + 1), level, in_euros(used), in_euros(limit))
  end
end

local function is_same(known, digest, older)
  if known == digest then return true end
  for _, each in ipairs(older or NOTHING) do
    if known == each then return true end
  end
  return false
end

local guarded, guarded_blocks = {}, {}
for i, message in ipairs(given.messages) do
  keys[i] = keys_of(message[1])
  records[i] = keys[i].record
  if message[17] then guarded[#guarded + 1], guarded_blocks[#guarded_blocks + 1] = message[14], message[17] end
end
local all_new = #records > 0 and redis.call('EXISTS', unpack(records)) == 0
learn_guarded(guarded, guarded_blocks)

for i, message in ipairs(given.messages) do
  local id, digest, queue, due, ttl, body, context, segments, recipients, share, campaign_id, talk, receipts, to, older, dues, block,
    twin = unpack(message, 1, 18)
  local known = (not all_new or seen[id]) and read(records[i], 'state', 'digest') or NOTHING
  seen[id] = true
  local campaign = campaign_id ~= '' and campaign_key(campaign_id)
  local slice = campaign and tonumber(string.sub(id, #campaign_id + 2))
  local verdict, facts = campaign and remembered(campaign, slice), nil
  if known.state and verdict ~= 'stopped' then verdict = is_same(known.digest, digest, older) and 'existing' or 'conflict' end
  facts = verdict and verdict ~= 'stopped' and known.state or ''
  local estimate = not verdict and dues and estimate_from(dues)
  if twin and not verdict then
    facts = twin_of(id, twin)
    verdict = facts and 'twin'
  elseif campaign and estimate and not verdict then
    facts = over_campaign_budget(campaign, estimate)
    verdict = facts and 'over_budget'
  end
  if verdict == 'twin' then redis.call('HINCRBY', prefix .. 'counts', 'duplicates', 1) end
  if verdict then
    others[#others + 1] = i - 1
    add(others, verdict, facts)
  else
    local code = block and count_alert(to, block)
    local fields = { 'v', given.version, 'state', 'queued', 'digest', digest, 'queue', queue, 'queued', now, 'segments', segments,
      'to', to }
    if due then add(fields, 'due', due) end
    if ttl then add(fields, 'expires', math.max(now, due or 0) + ttl) end
    if context ~= '' then add(fields, 'context', context) end
    if recipients ~= 1 then add(fields, 'recipients', recipients) end
    if receipts > 0 then add(fields, 'receipts', receipts) end
    if given.app ~= '' then add(fields, 'app', given.app) end
    if estimate then add(fields, 'estimate', whole(estimate)) end
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
      for pseudonym in string.gmatch(to, '%S+') do note_talk(pseudonym, 'out:' .. id, math.max(now, due or 0)) end
    end
    if code then add(fields, 'code', code) end
    redis.call('HSET', records[i], unpack(fields))
    created = created + 1
    local place = queue_of(queue)
    if not code then add(bodies, keys[i].body, body) end
    if code then
      end_record(keys[i], id, 'cancelled')
      others[#others + 1] = i - 1
      add(others, 'cancelled', code)
    elseif due and due > now then
      redis.call('ZADD', place.keys.delayed, due, id)
      wake(place.keys)
    elseif share ~= '' then
      shares[share] = shares[share] or { queue = place.keys, ids = {} }
      shares[share].ids[#shares[share].ids + 1] = id
    else
      place.ids[#place.ids + 1] = id
    end
  end
end

note_guarded()
if #bodies > 0 then redis.call('MSET', unpack(bodies)) end
if created > 0 then redis.call('HINCRBY', prefix .. 'counts', 'enqueued', created) end
for _, place in pairs(queues) do
  if #place.ids > 0 then redis.call('RPUSH', place.keys.ready, unpack(place.ids)) end
  for _ = 1, math.min(#place.ids, 16) do wake(place.keys) end
end
for share, sharing in pairs(shares) do
  gather(sharing.queue, share, sharing.ids[1])
  if #sharing.ids > 1 then redis.call('RPUSH', gather_key(share), unpack(sharing.ids, 2)) end
end
return others

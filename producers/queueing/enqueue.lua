-- Create records and queue their sends, all or nothing.
-- Given: version, retention_ms, maxlen, messages (lists of request_id, digest, queue, due ms or nil, ttl ms or nil, body, context or '',
--   segments, recipients, share or '', campaign or '', talk or nil, receipts, to, older digests or nil, stop or nil, zones or ''),
--   keep_texts, keys, consent_ms (how old the last contact of who has agreed to marketing may be; nil where nobody needs to have agreed).
--   Of a message in conversations talk has two_way, reply_to or ''. to: the pseudonyms of its recipients. receipts: 0 when
--   the gateway reports on none, 1, or when it is to send, ms. stop is of a message that opt-outs end, or that has a scope of its own:
--   a list of stoppable, scope or '', weights (segments of each recipient, a digit each, or ''), and to under older keys.
-- Returns 'pseudonym keys have changed', or four by four what there is to say: position from 0, 'existing' | 'conflict', state, how
--   many recipients are left out since they want no more SMS; 'created', the code with which it has ended at once or '', how many are
--   left out; and of a campaign's slices 'ended', '', 0 when that is so long ago that the record is gone, 'stopped', '', 0 when the
--   campaign was cancelled. A message that was created and leaves to all is not named.
-- Safe to repeat: an existing record with the same digest, or with an older one, is returned untouched. Older digests are of the same
--   content under older keys.
-- A slice is <campaign>.<number>, and is noted in its campaign in the step that queues it: whatever is killed, refused or lost, both
-- are there or neither is. One with recipients outside of the mainland is several messages, <campaign>.<number>.<zone>, which are
-- given together: if the slice was queued with other zones before, all of them are in conflict, else somebody might be texted twice.
-- A message is a list, and no map: to name the parts one by one takes the application several times as long as writing the message.
-- uses: known_key clock queue eras campaign keys talks record suppressed stoppable leave_out consent
if not is_key_known() then return KEYS_HAVE_CHANGED end

local keys, records, bodies, seen, others, queues, shares = {}, {}, {}, {}, {}, {}, {}
local NOTHING = {}
local era
local listed = {}
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

-- The zones of the slice that is given, as its campaign notes them.
local function zones_given()
  local zones = {}
  for i, message in ipairs(given.messages) do
    local _, zone = slice_of(message[1], message[11])
    zones[i] = zone
  end
  return table.concat(zones, ' ')
end

-- Whether a slice was queued before, with other zones than now. Nothing is noted of one that lies in the mainland.
local function has_moved(campaign, campaign_id, slice)
  local zones, noted = zones_given(), redis.call('HGET', campaign_zones_key(campaign), slice)
  if noted then return noted ~= zones end
  if zones ~= '-' then
    local mainland = keys_of(campaign_id .. '.' .. slice).record
    if has_ended(campaign, slice, '-') or redis.call('EXISTS', mainland) == 1 then return true end
    redis.call('HSET', campaign_zones_key(campaign), slice, zones)
  end
  return false
end

-- What a campaign says about a slice. A run that is at work must not outlive what it was told of the slices before.
local moved
local function remembered(campaign, campaign_id, slice, zone)
  if redis.call('PEXPIRE', campaign, given.retention_ms, 'GT') == 1 then end_together(campaign) end
  if is_cancelled(campaign) then return 'stopped' end
  if moved == nil then moved = has_moved(campaign, campaign_id, slice) end
  return moved and 'conflict' or has_ended(campaign, slice, zone) and 'ended'
end

local function is_same(known, digest, older)
  if known == digest then return true end
  for _, each in ipairs(older or NOTHING) do
    if known == each then return true end
  end
  return false
end

local function answer(place, verdict, facts, left_out)
  add(others, place - 1, verdict)
  add(others, facts, left_out)
end

-- Who of the recipients of all messages is suppressed, under whatever key that was noted. Returns reasons by message and place.
local function find_suppressed()
  local fields, owners, places, found = {}, {}, {}, {}
  local function ask(i, to, scope)
    local before, count = #fields, add_questions(fields, to, scope)
    for place = 1, count do owners[before + place], places[before + place] = i, place end
  end
  for i, message in ipairs(given.messages) do
    local to, stop = message[14], message[16]
    if stop and stop[1] and is_anybody_suppressed() then
      for _, scope in ipairs({ ACCOUNT, stop[2] ~= '' and stop[2] or nil }) do
        ask(i, to, scope)
        for _, older in ipairs(stop[4]) do ask(i, older, scope) end
      end
    end
  end
  for at, reason in pairs(reasons_of(fields)) do
    found[owners[at]] = found[owners[at]] or {}
    found[owners[at]][places[at]] = reason
  end
  for i, message in ipairs(given.consent_ms and given.messages or NOTHING) do
    local stop = message[16]
    if message[3] == 'marketing' then found[i] = without_consent({ message[14], unpack(stop and stop[4] or NOTHING) }, found[i]) end
  end
  return found
end

-- Leave those out of a message who are suppressed. Returns what is left of it, and how many are left out.
local function without_suppressed(message, reasons)
  local out = 0
  for _ in pairs(reasons) do out = out + 1 end
  count_suppressed('enqueue', reasons)
  if out == message.recipients then return message, out end
  -- A body that is not as we write it stays, and its claim ends it.
  local left = left_of(message, reasons)
  return left or message, left and out or 0
end

for i, message in ipairs(given.messages) do
  keys[i] = keys_of(message[1])
  records[i] = keys[i].record
end
local suppressed, created = find_suppressed(), 0
local all_new = #records > 0 and redis.call('EXISTS', unpack(records)) == 0

for i, message in ipairs(given.messages) do
  local id, digest, queue, due, ttl, body, context, segments, recipients, share, campaign_id, talk, receipts, to, older,
    stop, zones = unpack(message, 1, 17)
  local known = (not all_new or seen[id]) and read(records[i], 'state', 'digest', 'left_out') or NOTHING
  seen[id] = true
  local campaign = campaign_id ~= '' and campaign_key(campaign_id)
  local slice, zone
  if campaign then slice, zone = slice_of(id, campaign_id) end
  local verdict = campaign and remembered(campaign, campaign_id, slice, zone)
  if known.state and verdict ~= 'stopped' and verdict ~= 'conflict' then
    verdict = is_same(known.digest, digest, older) and 'existing' or 'conflict'
  end
  if verdict then
    answer(i, verdict, verdict ~= 'stopped' and known.state or '', tonumber(known.left_out or 0))
  else
    local left_out, code, weights = 0, nil, stop and stop[3] or ''
    if suppressed[i] then
      local wanted = recipients
      local left
      left, left_out = without_suppressed({ body = body, to = to, recipients = recipients, segments = segments,
        weights = weights }, suppressed[i])
      body, to, recipients, segments, weights = left.body, left.to, left.recipients, left.segments, left.weights
      code = left_out == wanted and code_of(suppressed[i]) or nil
    end
    if code or left_out > 0 then answer(i, 'created', code or '', left_out) end
    local fields = { 'v', given.version, 'state', 'queued', 'digest', digest, 'queue', queue, 'queued', now,
      'segments', segments, 'to', to }
    if due then add(fields, 'due', due) end
    if ttl then add(fields, 'expires', math.max(now, due or 0) + ttl) end
    if context ~= '' then add(fields, 'context', context) end
    if recipients ~= 1 then add(fields, 'recipients', recipients) end
    if receipts > 0 then add(fields, 'receipts', receipts) end
    if left_out > 0 then add(fields, 'left_out', left_out) end
    if stop then
      if stop[2] ~= '' then add(fields, 'scope', stop[2]) end
      if weights ~= '' then add(fields, 'weights', weights) end
      if stop[1] and queue ~= 'marketing' then add(fields, 'stoppable', 1) end
      if stop[1] and not code and recipients == 1 then add(listed, 0, to .. ' ' .. id) end
    end
    if zones ~= '' then add(fields, 'zones', zones) end
    if share ~= '' then
      era = era or redis.call('HGET', prefix .. 'memory', 'era') or current_era()
      add(fields, 'share', share)
      add(fields, 'era', era)
    end
    if campaign then
      add(fields, 'campaign', campaign_id)
      note(campaign_id, slice, code and recipients or recipients + left_out)
      if left_out > 0 then note_left_out(campaign, left_out, code) end
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
    if code then
      end_record(keys[i], id, 'cancelled')
    elseif due and due > now then
      redis.call('ZADD', place.keys.delayed, due, id)
      wake(place.keys)
    elseif share ~= '' then
      shares[share] = shares[share] or { queue = place.keys, ids = {} }
      shares[share].ids[#shares[share].ids + 1] = id
    else
      place.ids[#place.ids + 1] = id
    end
    if not code then add(bodies, keys[i].body, body) end
  end
end

if created > 0 then redis.call('HINCRBY', prefix .. 'counts', 'enqueued', created) end
if #listed > 0 then redis.call('ZADD', STOPPABLE, unpack(listed)) end
if #bodies > 0 then redis.call('MSET', unpack(bodies)) end
for _, place in pairs(queues) do
  if #place.ids > 0 then redis.call('RPUSH', place.keys.ready, unpack(place.ids)) end
  for _ = 1, math.min(#place.ids, 16) do wake(place.keys) end
end
for share, sharing in pairs(shares) do
  gather(sharing.queue, share, sharing.ids[1])
  if #sharing.ids > 1 then redis.call('RPUSH', gather_key(share), unpack(sharing.ids, 2)) end
end
return others

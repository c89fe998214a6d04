-- Create records and queue their sends, all or nothing.
-- Given: version, retention_ms, maxlen, keep_texts, keys, app, money, budget, guard, consent_ms, strict, part, ids, digests, queues,
--   bodies, contexts, segments, recipients, receipts, to, zones, due, ttl, share, campaign, talk, older_digests, older_to, stoppable,
--   scope, weights, dues, block, twin, trace, links.
--   app: the application, or ''. budget: micro-euros that the campaign may cost, or nil. money and dues: see estimates.lua. guard: see
--   alert_caps.lua and twins.lua. consent_ms: how old the last contact of who has agreed to marketing may be; nil where nobody needs to
--   have agreed. strict: whether one conflict keeps all of them from being queued. part: of a campaign that is uploaded, what to note
--   beside its slice: campaign, number, digest, result, numbers, is_last; see parts.lua.
--   Lists with a value for each message, all from ids to zones: contexts and zones have '' for none. receipts: 0 when the gateway reports
--   on none, 1, or when it is to send, ms. to: the pseudonyms of its recipients, with blanks between them.
--   Maps from places to values, all from due to links; places count from 1, and a message without a value has none. due, ttl: ms. talk:
--   of one in conversations, two_way and reply_to or ''. older_digests: of the same content under older keys. older_to: the same as to,
--   under each older key. stoppable: an opt-out ends it. scope: that of its opt-outs, if it has one of its own. weights: segments of each
--   recipient, a digit each, unless all have the same. dues: their place in money. block: of an alert to one number. twin: what names
--   the same text for the same numbers. trace, links: the traceparent of the span in which it was made, alone or among others.
-- Returns 'pseudonym keys have changed'; or 'unpriced ' and the tariff that has no price; or 'moved' of a part that is not the next one;
--   or four by four what there is to say: position from 0, a word, facts, how many recipients are left out since they want no more SMS.
--   The words: 'existing' and 'conflict' with the state; 'created' with the code with which it has ended at once, or ''; 'twin' with the
--   request_id of the same text; and of a campaign's slices 'ended' when that is so long ago that the record is gone, 'stopped' when the
--   campaign was cancelled, 'over_budget' with its limit and what was wanted. A message that is not named was created, and leaves to
--   all. If a conflict has kept all of them, the conflicts are named alone.
-- Safe to repeat: an existing record with the same digest, or with an older one, is returned untouched. Older digests are of the same
--   content under older keys.
-- A slice is <campaign>.<number>, and is noted in its campaign in the step that queues it: whatever is killed, refused or lost, both
-- are there or neither is. One with recipients outside of the mainland is several messages, <campaign>.<number>.<zone>, which are
-- given together: if the slice was queued with other zones before, all of them are in conflict, else somebody might be texted twice.
-- What messages have stands in lists, one for each fact, and no list for each message: of hundreds of messages Lua makes some lists, and
-- not hundreds.
-- uses: known_key clock queue sharing campaign slices parts keys talks record suppressed stoppable new_messages estimates alert_caps twins spending metrics
if not is_key_known() then return KEYS_HAVE_CHANGED end
if given.part and has_part_moved() then return 'moved' end
do
  local unpriced = learn_tariffs()
  if unpriced then return 'unpriced ' .. unpriced end
end

local records, bodies, seen, others, queues, shares = {}, {}, {}, {}, {}, {}
local NOTHING = {}
local era
local people, listed = {}, {}
local created, refused = {}, false
local function add(list, name, value)
  local count = #list
  list[count + 1], list[count + 2] = name, value
end

local function queue_of(name)
  queues[name] = queues[name] or { keys = queue_keys(name), ids = {} }
  return queues[name]
end

local function is_same(known, digest, older)
  if known == digest then return true end
  for _, each in ipairs(older or NOTHING) do
    if known == each then return true end
  end
  return false
end

local function answer(place, word, facts, left_out)
  add(others, place - 1, word)
  add(others, facts, left_out)
end

do
  local guarded, guarded_blocks, texts = {}, {}, {}
  for i, id in ipairs(given.ids) do
    records[i] = key_of_record(id)
    local block = given.block[i]
    if block then guarded[#guarded + 1], guarded_blocks[#guarded_blocks + 1] = given.to[i], block end
    texts[#texts + 1] = given.twin[i]
  end
  learn_alerts(guarded, guarded_blocks)
  learn_twins(texts)
end

local all_new = #records > 0 and redis.call('EXISTS', unpack(records)) == 0

if given.strict then
  -- Name the messages whose id has other content already, in Redis or further up among these.
  local standing = {}
  for i, id in ipairs(given.ids) do
    local digest = given.digests[i]
    if not standing[id] then
      local known = all_new and NOTHING or read(records[i], 'state', 'digest')
      standing[id] = known.state and known.digest or digest
    end
    if not is_same(standing[id], digest, given.older_digests[i]) then answer(i, 'conflict', '', 0) end
  end
  if #others > 0 then return others end
end
local suppressed = find_suppressed()

local function left_at(i)
  return what_is_left(i, suppressed[i])
end

-- What keeps a message from being created, and the facts about that.
local function refusal_of(i, known)
  local id, campaign_id, twin = given.ids[i], given.campaign[i], given.twin[i]
  local campaign = campaign_id and campaign_key(campaign_id)
  local word
  if campaign then word = remembered(campaign, campaign_id, slice_of(id, campaign_id)) end
  if word == 'stopped' then return word, '' end
  if known.state and word ~= 'conflict' then
    word = is_same(known.digest, given.digests[i], given.older_digests[i]) and 'existing' or 'conflict'
  end
  if word then return word, known.state or '' end
  local facts = twin and twin_of(id, twin)
  if facts then
    redis.call('HINCRBY', prefix .. 'counts', 'duplicates', 1)
    return 'twin', facts
  end
  if campaign and given.money then
    facts = over_campaign_budget(campaign, campaign_id, function(at) return left_at(at).estimate end)
    if facts then return 'over_budget', facts end
  end
end

local function create(i)
  local id, queue, due, share, campaign_id, block, talk = given.ids[i], given.queues[i], given.due[i], given.share[i], given.campaign[i],
    given.block[i], given.talk[i]
  if share then
    era = era or sharing_era() or ''
    if era == '' then share = nil end
  end
  local left = left_at(i)
  local code = left.code or block and count_alert(left.to, block)
  if suppressed[i] and left.left_out > 0 then count_suppressed('enqueue', suppressed[i]) end
  if code or left.left_out > 0 then answer(i, 'created', code or '', left.left_out) end
  local fields = { 'v', whole(given.version), 'state', 'queued', 'digest', given.digests[i], 'queue', queue, 'queued', whole(now),
    'segments', whole(left.segments), 'to', left.to }
  if due then add(fields, 'due', due) end
  if given.ttl[i] then add(fields, 'expires', math.max(now, due or 0) + given.ttl[i]) end
  if given.contexts[i] ~= '' then add(fields, 'context', given.contexts[i]) end
  if left.recipients ~= 1 then add(fields, 'recipients', left.recipients) end
  if given.receipts[i] > 0 then add(fields, 'receipts', given.receipts[i]) end
  if left.left_out > 0 then add(fields, 'left_out', left.left_out) end
  if given.zones[i] ~= '' then add(fields, 'zones', given.zones[i]) end
  if given.app ~= '' then add(fields, 'app', given.app) end
  if left.estimate then add(fields, 'estimate', whole(left.estimate)) end
  if given.scope[i] then add(fields, 'scope', given.scope[i]) end
  if given.trace[i] then add(fields, 'trace', given.trace[i]) end
  if given.links[i] then add(fields, 'links', given.links[i]) end
  if left.weights ~= '' then add(fields, 'weights', left.weights) end
  if given.stoppable[i] then
    if queue ~= 'marketing' then add(fields, 'stoppable', 1) end
    if not code and left.recipients == 1 then people[#people + 1], listed[#listed + 1] = left.to, id end
  end
  if given.twin[i] then remember_twin(id, given.twin[i]) end
  if share then
    add(fields, 'share', share)
    add(fields, 'era', era)
  end
  if campaign_id then
    add(fields, 'campaign', campaign_id)
    note_slice(campaign_id, slice_of(id, campaign_id), left.code and left.recipients or left.recipients + left.left_out)
    if left.left_out > 0 then note_left_out(campaign_key(campaign_id), left.left_out, left.code) end
  end
  if talk then
    if talk.two_way then add(fields, 'two_way', 1) end
    if talk.reply_to ~= '' then add(fields, 'reply_to', talk.reply_to) end
    if given.keep_texts then add(fields, 'keep', 1) end
    for pseudonym in string.gmatch(left.to, '%S+') do note_talk(pseudonym, 'out:' .. id, math.max(now, due or 0)) end
  end
  if code then add(fields, 'code', code) end
  redis.call('HSET', records[i], unpack(fields))
  created[queue] = (created[queue] or 0) + 1
  if code then return end_record(keys_of(id), id, 'cancelled') end
  add(bodies, key_of_body(id), left.body)
  local place = queue_of(queue)
  if due and due > now then
    redis.call('ZADD', place.keys.delayed, due, id)
    wake_consumer(place.keys)
  elseif share then
    shares[share] = shares[share] or { queue = place.keys, ids = {} }
    shares[share].ids[#shares[share].ids + 1] = id
  else
    place.ids[#place.ids + 1] = id
  end
end

for i, id in ipairs(given.ids) do
  local known = (not all_new or seen[id]) and read(records[i], 'state', 'digest', 'left_out') or NOTHING
  seen[id] = true
  local word, facts = refusal_of(i, known)
  refused = refused or word == 'conflict' or word == 'stopped' or word == 'over_budget'
  if word then answer(i, word, facts, tonumber(known.left_out or 0)) else create(i) end
end

if given.part and not refused then note_part() end
note_alerts()
note_twins()
for name, count in pairs(created) do
  redis.call('HINCRBY', prefix .. 'counts', 'enqueued', count)
  count_metric('enqueued:' .. name, count)
end
list_stoppable(people, listed)
if #bodies > 0 then redis.call('MSET', unpack(bodies)) end
for _, place in pairs(queues) do
  if #place.ids > 0 then redis.call('RPUSH', place.keys.ready, unpack(place.ids)) end
  for _ = 1, math.min(#place.ids, 16) do wake_consumer(place.keys) end
end
for share, sharing in pairs(shares) do
  gather(sharing.queue, share, sharing.ids[1])
  if #sharing.ids > 1 then redis.call('RPUSH', gather_key(share), unpack(sharing.ids, 2)) end
end
return others

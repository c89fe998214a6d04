-- Compose a part of a shared call's body: put the recipients of some members into it, under a fresh request_id for the gateway.
-- Given: retention_ms, maxlen, version, queue, call, request_id, most (members in one step).
-- Returns how many members are left to compose; 0 when the call is ready to be claimed, has no member left, or is not to be
--   composed: claim.lua says what it is.
-- In parts, since hundreds of members at once would keep Redis from the alerts. What is composed stays until the call must be
-- composed anew, with a look at each member: when the time of a member is over, when one was cancelled or wants no more SMS, when the
-- call was not taken, or on another server. That server may have forgotten that members left alone: members older than it leave alone.
-- Never composed is a call that may have been taken.
-- Safe to repeat.
-- uses: keys clock queue aside held record eras suppressed
local call, queue = given.call, queue_keys(given.queue)
local keys, members, gathered = keys_of(call), members_key(call), gathered_key(call)
local record = read(keys.record, 'state', 'doubt', 'composed', 'share', 'tail', 'expires', 'weight', 'v', 'era', 'to', 'held',
  'held_until', 'estimate', 'since', 'links')
if record.state ~= 'queued' or record.doubt or tonumber(record.v) > given.version then return 0 end
local era = current_era()
local composed = record.era == era and record.composed
if composed == 'done' then return 0 end

-- A body, as the producers write it, is {"recipients":[one],"text":... The tail begins behind the recipients.
local HEAD = '{"recipients":['
local tail, expires, weight = record.tail, tonumber(record.expires or math.huge), tonumber(record.weight or 0)
if composed ~= 'partly' then
  local before = redis.call('HVALS', members)
  if #before > 0 then redis.call('RPUSH', gathered, unpack(before)) end
  redis.call('DEL', members, keys.body)
  redis.call('HDEL', keys.record, 'tail', 'expires', 'weight', 'used', 'to', 'estimate', 'app', 'since', 'links')
  redis.call('HSET', keys.record, 'composed', 'partly', 'era', era)
  tail, expires, weight, record.to, record.estimate, record.since, record.links = nil, math.huge, 0, nil, nil, nil, nil
end
local begun = tail

local function leave_call(member)
  if member.call then redis.call('HDEL', member.keys.record, 'call') end
end

local function go_alone(member)
  leave_call(member)
  push(queue, member.id)
end

-- Look at a member that is not in the body yet. Returns whether it leaves with this call; any other is seen to.
local function look_at(member)
  if member.aside then leave_aside(member.keys, member.id) end
  local ours = member.state == 'queued' and (not member.call or member.call == call)
  if member.state == 'sending' and not member.call then
    -- Claimed alone by a worker that had lost it: whoever sees to that attempt needs an entry.
    go_alone(member)
  elseif tonumber(member.v or 0) > given.version then
    -- Written by newer producers: it waits, alone, for a newer worker.
    go_alone(member)
  elseif ours and member.era ~= era then
    -- Perhaps it has left alone, and this server has forgotten it.
    go_alone(member)
  elseif ours and member.suppressed then
    redis.call('HSET', member.keys.record, 'code', 'suppressed')
    count_suppressed('compose', { member.suppressed })
    end_record(member.keys, member.id, 'cancelled')
  elseif ours and member.expires and tonumber(member.expires) <= now then
    local held = record.held and record or member
    blame_held(member.keys, held.held, held.held_until, tonumber(member.expires))
    end_record(member.keys, member.id, 'expired')
  else
    -- It was held while it was alone. From now on its call is.
    if ours and member.held then forget_held(member.keys) end
    return ours
  end
end

-- Note of each member why it is suppressed, if it is. All members have the same scope, or none: their share says so.
local function note_suppressed_members(some)
  local to, scope, any = {}, nil, false
  for i, member in ipairs(some) do
    local stoppable = member.to and is_stoppable(member)
    any, scope = any or stoppable, scope or member.scope
    -- Each has a place, also one whose record is gone.
    to[i] = stoppable and member.to or '-'
  end
  local reasons = any and suppressed_among(table.concat(to, ' '), scope)
  for place, reason in pairs(reasons or {}) do some[place].suppressed = reason end
end

-- Cut the recipient out of a member's body. Returns its number, or nil when the member cannot leave with the call.
local function cut_recipient(member, body)
  if not body then
    redis.call('HSET', member.keys.record, 'code', 'body_lost')
    end_record(member.keys, member.id, 'failed')
    return nil
  end
  local cut = string.find(body, '],"text":', 1, true)
  member.recipient = cut and string.sub(body, #HEAD + 1, cut - 1)
  local number = cut and string.match(member.recipient, '"phone_number":"(%+%d+)"')
  if not number then
    -- Not as the producers write it: alone it harms nobody else.
    go_alone(member)
    return nil
  end
  tail = tail or string.gsub(string.sub(body, cut), '"request_id":"[^"]*"', '"request_id":"' .. given.request_id .. '"', 1)
  return number
end

-- Members stay in the list until the end of this script: an error in the middle must lose nobody.
local looked_at, wanted, bodies = {}, {}, {}
for i, id in ipairs(redis.call('LRANGE', gathered, 0, given.most - 1)) do
  local own = keys_of(id)
  local member = read(own.record, 'state', 'expires', 'call', 'segments', 'v', 'aside', 'era', 'to', 'scope', 'queue', 'stoppable',
    'zones', 'estimate', 'app', 'held', 'held_until', 'queued', 'due', 'trace', 'links')
  member.id, member.keys, looked_at[i] = id, own, member
end
note_suppressed_members(looked_at)
for _, member in ipairs(looked_at) do
  if look_at(member) then
    wanted[#wanted + 1] = member
    bodies[#bodies + 1] = member.keys.body
  end
end
local found, numbers = {}, {}
for i, body in ipairs(#bodies > 0 and redis.call('MGET', unpack(bodies)) or {}) do
  local number = cut_recipient(wanted[i], body)
  if number then found[#found + 1], numbers[#numbers + 1] = wanted[i], number end
end

-- Let the call know of the spans in which its members were queued, each once: those that were queued together have the same. A span has
-- 128 links at most, unless somebody chooses otherwise, and they have 55 characters each.
local LINKS_MOST = 128 * 56
local links = record.links or ''
local function note_link(link)
  if link and #links + #link < LINKS_MOST and not string.find(links, link, 1, true) then
    links = links == '' and link or links .. ' ' .. link
  end
end

local recipients, entries, here, to, estimate = {}, {}, {}, { record.to }, tonumber(record.estimate)
local since = tonumber(record.since or now)
local taken = #numbers > 0 and redis.call('HMGET', members, unpack(numbers)) or {}
for i, member in ipairs(found) do
  local number = numbers[i]
  if taken[i] or here[number] then
    -- Never the same number twice in one call: this member gathers again, although it may have been in the body before.
    leave_call(member)
    gather(queue, record.share, member.id)
  else
    here[number] = true
    recipients[#recipients + 1] = member.recipient
    to[#to + 1] = member.to
    entries[#entries + 1], entries[#entries + 2] = number, member.id
    if member.call ~= call then redis.call('HSET', member.keys.record, 'call', call) end
    expires = math.min(expires, tonumber(member.expires or math.huge))
    since = math.min(since, math.max(tonumber(member.queued or now), tonumber(member.due or 0), tonumber(member.held_until or 0)))
    weight = weight + tonumber(member.segments or 1)
    note_link(member.trace or member.links)
    if member.estimate then estimate = (estimate or 0) + tonumber(member.estimate) end
  end
end
if #recipients > 0 then
  redis.call('HSET', members, unpack(entries))
  redis.call('APPEND', keys.body, (begun and ',' or HEAD) .. table.concat(recipients, ','))
  redis.call('HSET', keys.record, 'tail', tail, 'weight', weight, 'to', table.concat(to, ' '), 'since', string.format('%.0f', since))
  if expires < math.huge then redis.call('HSET', keys.record, 'expires', expires) end
  if links ~= '' then redis.call('HSET', keys.record, 'links', links) end
  if estimate then redis.call('HSET', keys.record, 'estimate', string.format('%.0f', estimate)) end
  -- All members have the same, for their share has them in it.
  for _, name in ipairs({ 'scope', 'stoppable', 'zones', 'app' }) do
    if found[1][name] then redis.call('HSET', keys.record, name, found[1][name]) end
  end
end

redis.call('LTRIM', gathered, given.most, -1)
local left = redis.call('LLEN', gathered)
if left == 0 then
  local count = redis.call('HLEN', members)
  if count == 0 then
    leave_aside(keys, call)
    forget_held(keys)
    redis.call('DEL', keys.record)
  else
    redis.call('APPEND', keys.body, tail)
    redis.call('HSET', keys.record, 'composed', 'done', 'members', count, 'recipients', count)
    redis.call('HDEL', keys.record, 'tail')
  end
end
return left

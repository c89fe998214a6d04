-- Find the sends that callbacks belong to, one callback after the other.
-- Given: retention_ms, maxlen, questions (each ticket, number, received_ms, only_when_idle).
--   only_when_idle: a send without ticket is taken for the origin only while no attempt runs.
-- Returns per callback one of
--   'known', request_id, context or ''    found by its ticket, or adopted: the only send to that number without a ticket
--   'pending'                             attempts begun before the callback came have not reported yet
--   'foreign'                             no send of ours
-- A ticket of a shared call leads to the member with that number.
-- Anybody who has a callback token can name a ticket. So an adopted ticket is marked as such, the send stays among those of its
-- number that have no ticket, and a second ticket there contradicts the first: then neither is believed, now or later.
-- Safe to repeat: an adopted ticket is found by itself the next time.
-- uses: keys queue record call unticketed

local attempt_starts = prefix .. 'attempt_starts'

local function known(id, number)
  local record = read(keys_of(id).record, 'members', 'context', 'state')
  if record.members then
    id = redis.call('HGET', members_key(id), number)
    if not id then return { 'foreign' } end
    record = read(keys_of(id).record, 'context', 'state')
  elseif is_call(id) then
    -- The call is forgotten already.
    return { 'foreign' }
  end
  -- The answer counted fewer recipients than there are; this one was among them.
  if record.state == 'unknown' then end_record(keys_of(id), id, 'accepted') end
  return { 'known', id, record.context or '' }
end

-- Whether the gateway may have made this up.
local function is_shaped(ticket)
  return #ticket <= 64 and string.find(ticket, '^sms_%w+$') ~= nil
end

-- Give a send the ticket of a callback that can only be its own.
local function adopt(id, ticket)
  local keys = keys_of(id)
  local record = read(keys.record, 'state', 'members')
  redis.call('HSET', keys.record, 'ticket', ticket, 'adopted', '1')
  redis.call('SET', ticket_key(ticket), id, 'PX', given.retention_ms)
  if record.members then
    -- While the call is still being sent its members learn of the ticket when it ends.
    if record.state == 'unknown' then end_call(keys, id, 'accepted') end
    if record.state == 'unknown' or record.state == 'accepted' then
      end_members(id, redis.call('HVALS', members_key(id)))
    end
  elseif record.state == 'unknown' then
    -- A receipt or reply is proof: somebody has the text.
    end_record(keys, id, 'accepted')
  elseif record.state == 'accepted' then
    announce(keys, id)
  end
end

-- Take back an adoption. The send stays in its state, but nobody knows its ticket.
local function disown(id)
  local keys = keys_of(id)
  local record = read(keys.record, 'ticket', 'members', 'state')
  redis.call('HSET', keys.record, 'ambiguous', '1')
  forget_adopted(keys.record)
  if record.state ~= 'accepted' then return end
  if not record.members then return announce(keys, id) end
  for _, member in ipairs(redis.call('HVALS', members_key(id))) do
    local own = keys_of(member)
    local found = read(own.record, 'call', 'ticket')
    if found.call == id and found.ticket == record.ticket then
      redis.call('HDEL', own.record, 'ticket')
      announce(own, member)
    end
  end
end

-- Find the sends to a number, begun before a callback came, that have no ticket of the gateway's own: those without any, and
-- those with an adopted one.
local function candidates(number, received_ms)
  local without, adopters, key = {}, {}, unticketed_key(number)
  for _, id in ipairs(redis.call('SMEMBERS', key)) do
    local record = read(keys_of(id).record, 'state', 'ticket', 'first', 'adopted', 'ambiguous')
    if not record.state then
      redis.call('SREM', key, id)
    elseif record.first and tonumber(record.first) <= received_ms and not record.ambiguous then
      if not record.ticket then
        without[#without + 1] = id
      elseif record.adopted then
        adopters[#adopters + 1] = id
      end
    end
  end
  return without, adopters
end

local function correlate(question)
  local ticket, number = question.ticket, question.number
  local id = redis.call('GET', ticket_key(ticket))
  if id then return known(id, number) end

  -- A running attempt may turn out to own the ticket: only without one is a send without ticket the origin.
  local busy = redis.call('ZCOUNT', attempt_starts, '-inf', question.received_ms) > 0
  if busy and question.only_when_idle then return { 'pending' } end

  if not is_shaped(ticket) then return { 'foreign' } end
  local without, adopters = candidates(number, question.received_ms)
  if #without == 1 then
    adopt(without[1], ticket)
    return known(without[1], number)
  end
  if #without == 0 and #adopters == 1 then disown(adopters[1]) end
  return { busy and 'pending' or 'foreign' }
end

local replies = {}
for i, question in ipairs(given.questions) do replies[i] = correlate(question) end
return replies

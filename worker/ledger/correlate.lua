-- Find the sends that callbacks belong to, one callback after the other.
-- Given: retention_ms, maxlen, keys, answer_ms (in which a reply without ticket is taken for an answer), questions (each ticket,
--   number, pseudonyms, received_ms, written_ms, short_number, only_when_idle).
--   pseudonyms: those of the number, under every key. only_when_idle: a send without ticket is taken for the origin only while no
--   attempt runs. written_ms: when the callback was written, at the latest. short_number: the digits that it was written to, or ''.
-- Returns 'pseudonym keys have changed', or per callback one of
--   'ticket', request_id, context or '', trace or ''   found by its ticket, or adopted: the only send to that number without a ticket
--   'number', request_id, context or '', trace or ''   a reply without ticket, found by number and time
--   'pending'                             attempts begun before the callback came have not reported yet
--   'foreign'                             no send of ours
-- A ticket of a shared call leads to the member with that number; any other ticket leads to its send, if the number is one of its
-- recipients, as far as Redis still knows them. A ticket that is not ours never leads anywhere: it may be another account's.
-- Anybody who has a callback token can name a ticket. So an adopted ticket is marked as such, the send stays among those of its
-- number that have no ticket, and a second ticket there contradicts the first: then neither is believed, now or later.
-- Safe to repeat: an adopted ticket is found by itself the next time.
-- uses: known_key keys queue record call unticketed talks
if not is_key_known() then return KEYS_HAVE_CHANGED end

local attempt_starts = prefix .. 'attempt_starts'

-- Sends to one number that a reply without ticket is compared with, the newest ones.
local LOOKED_AT = 50

-- Whether a number is one of a send's recipients, as far as is known. The body of a send that is over is mostly gone; one that a
-- conversation keeps may be long, and the conversation answers sooner.
local function is_recipient(id, question, is_kept)
  for _, pseudonym in ipairs(is_kept and question.pseudonyms or {}) do
    if redis.call('ZSCORE', talk_of(pseudonym), 'out:' .. id) then return true end
  end
  local body = redis.call('GET', keys_of(id).body)
  return not body or string.find(body, '"phone_number":"' .. question.number .. '"', 1, true) ~= nil
end

-- Learn from a reply with a ticket to which number the answers to its send come. Where replies name several this tells nothing.
local function learn_short_number(record_key, learnt, short_number)
  if short_number == '' or learnt == short_number or learnt == '' then return end
  redis.call('HSET', record_key, 'short_number', learnt and '' or short_number)
end

-- Whether somebody was erased from a send of which others are left.
local function is_erased(id, question)
  local to = ' ' .. (redis.call('HGET', keys_of(id).record, 'to') or '') .. ' '
  for _, pseudonym in ipairs(question.pseudonyms) do
    if string.find(to, ' ' .. pseudonym .. ' ', 1, true) then return false end
  end
  return true
end

local function known(id, question)
  local number = question.number
  local record = read(keys_of(id).record, 'members', 'context', 'state', 'short_number', 'keep', 'erased', 'trace', 'links')
  if record.members then
    id = redis.call('HGET', members_key(id), number)
    if not id then return { 'foreign' } end
    record = read(keys_of(id).record, 'context', 'state', 'short_number', 'trace', 'links')
  elseif is_call(id) or (record.erased and is_erased(id, question)) or not is_recipient(id, question, record.keep) then
    -- The call is forgotten already; or somebody else wrote.
    return { 'foreign' }
  end
  if record.state then learn_short_number(keys_of(id).record, record.short_number, question.short_number) end
  -- The answer counted fewer recipients than there are; this one was among them.
  if record.state == 'unknown' then end_record(keys_of(id), id, 'accepted') end
  return { 'ticket', id, record.context or '', record.trace or record.links or '' }
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

-- Find the sends to a number, begun before a callback was written, that have no ticket of the gateway's own: those without any, and
-- those with an adopted one.
local function candidates(question)
  local without, adopters = {}, {}
  local function look_at(key, id)
    local record = read(keys_of(id).record, 'state', 'ticket', 'first', 'adopted', 'ambiguous')
    if not record.state then
      redis.call('SREM', key, id)
    elseif record.first and tonumber(record.first) <= question.written_ms and not record.ambiguous then
      if not record.ticket then
        without[#without + 1] = id
      elseif record.adopted then
        adopters[#adopters + 1] = id
      end
    end
  end
  for _, pseudonym in ipairs(question.pseudonyms) do
    local key = unticketed_key(pseudonym)
    for _, id in ipairs(redis.call('SMEMBERS', key)) do look_at(key, id) end
  end
  return without, adopters
end

-- When the first attempt of a send began, if somebody may have got it by then; and whether this is its first attempt, which may
-- still turn out not to be taken. Nothing of a send that was surely not taken.
local function reach_of(record)
  local at = record
  if record.state == 'queued' and record.call then
    at = read(keys_of(record.call).record, 'state', 'first', 'running', 'doubt')
  end
  local reached = at.state == 'sending' or at.state == 'accepted' or at.state == 'unknown'
  return reached and tonumber(at.first), at.state == 'sending' and at.running and not at.doubt
end

-- Find the send that a reply without ticket answers: of those to its number that can be answered the one that began last before
-- the reply was written. Nothing else tells, so it must not be long ago, and a number to answer to that was learnt must be this one.
local function by_number(question)
  local before, newest, runs, origin = question.written_ms, 0, false, nil
  local function look_at(id)
    local record = read(keys_of(id).record, 'two_way', 'state', 'first', 'call', 'running', 'doubt', 'context', 'short_number',
      'trace', 'links')
    local first, is_first = reach_of(record)
    local learnt = record.short_number or ''
    local fits = record.two_way and first and first <= before and first > question.received_ms - given.answer_ms
      and (learnt == '' or question.short_number == '' or learnt == question.short_number)
    if fits and first > newest then
      newest, runs, origin = first, is_first, { 'number', id, record.context or '', record.trace or record.links or '' }
    end
  end
  for _, pseudonym in ipairs(question.pseudonyms) do
    local looked_at = 0
    for _, member in ipairs(redis.call('ZREVRANGEBYSCORE', talk_of(pseudonym), before, '-inf')) do
      local id = string.match(member, '^out:(.*)$')
      if id and looked_at < LOOKED_AT then
        looked_at = looked_at + 1
        look_at(id)
      end
    end
  end
  if runs and question.only_when_idle then return { 'pending' } end
  return origin or { 'foreign' }
end

local function by_ticket(question)
  local ticket = question.ticket
  local id = redis.call('GET', ticket_key(ticket))
  if id then return known(id, question) end

  -- A running attempt may turn out to own the ticket: only without one is a send without ticket the origin.
  local busy = redis.call('ZCOUNT', attempt_starts, '-inf', question.received_ms) > 0
  if busy and question.only_when_idle then return { 'pending' } end

  if not is_shaped(ticket) then return { 'foreign' } end
  local without, adopters = candidates(question)
  if #without == 1 then
    adopt(without[1], ticket)
    return known(without[1], question)
  end
  if #without == 0 and #adopters == 1 then
    redis.call('HSET', keys_of(adopters[1]).record, 'ambiguous', '1')
    disown(adopters[1])
  end
  return { busy and 'pending' or 'foreign' }
end

local replies = {}
for i, question in ipairs(given.questions) do replies[i] = question.ticket == '' and by_number(question) or by_ticket(question) end
return replies

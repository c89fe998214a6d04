-- Erase a person from a message, or from a shared call.
-- Given: id, number, pseudonyms (of the number, under every key), is_named (the id itself holds the number), retention_ms, maxlen
-- Returns 'gone' (there is no record), 'cancelled' (it was to nobody else, and never leaves), 'left_out' (it leaves without the person),
--   'erased' (it had ended), 'open': it may have been taken, and is seen to when it comes back; or 'mentioned': it still leaves, to others,
--   and only its id holds the number. Safe to repeat.
-- uses: keys states queue erasing unsent stoppable talks unticketed parked

local function is_ours(pseudonym)
  for _, each in ipairs(given.pseudonyms) do
    if each == pseudonym then return true end
  end
  return false
end

local function is_to_us(to)
  for each in string.gmatch(to, '%S+') do
    if is_ours(each) then return true end
  end
  return false
end

-- Take pseudonyms out of the list of recipients, and what waits out of what an opt-out ends. Who was in doubt is not found by number any
-- more.
local function unlist(id, to)
  local left = {}
  for each in string.gmatch(to, '%S+') do
    if is_ours(each) then unlist_stoppable({ each }, { id }) else left[#left + 1] = each end
  end
  redis.call('HSET', keys_of(id).record, 'to', table.concat(left, ' '))
end

-- Note that a person goes when nobody sends this any more. What only the application knows goes at once.
local function mark(record_key, r)
  local marks = r.erase or ''
  if not string.find(' ' .. marks .. ' ', ' ' .. given.number .. ' ', 1, true) then
    redis.call('HSET', record_key, 'erase', marks == '' and given.number or marks .. ' ' .. given.number)
  end
  if not r.recipients then redis.call('HDEL', record_key, 'context', 'reply_to', 'short_number') end
  return 'open'
end

local function look_at(record_key)
  local r = read(record_key, 'state', 'doubt', 'call', 'recipients', 'members', 'erase', 'to', 'queue')
  r.waits = r.state == 'queued' and not r.doubt
  return r
end

local function erase_message(id)
  local keys = keys_of(id)
  local r = look_at(keys.record)
  if not r.state then
    forget_persons(keys, id, given.number)
    return 'gone'
  end
  -- What others wait for is theirs, whatever its id says.
  if given.is_named and r.waits and r.to and not is_to_us(r.to) then return 'mentioned' end
  if r.to then unlist(id, r.to) end
  if not is_under_way(r.state) then
    forget_persons(keys, id, given.number)
    return 'erased'
  end
  local call = r.call and look_at(keys_of(r.call).record) or {}
  if call.waits then
    go_without(keys_of(r.call), r.call, given.number)
    r = look_at(keys.record)
    -- It may have gathered again, and not be in the body of its call.
    if r.waits then redis.call('HDEL', keys.record, 'call') else return 'cancelled' end
  elseif call.state then
    return mark(keys.record, r)
  end
  if not r.waits then return mark(keys.record, r) end
  if go_without(keys, id, given.number) then return 'left_out' end
  -- It might lie there for days.
  redis.call('ZREM', queue_keys(r.queue).delayed, id)
  return 'cancelled'
end

local function erase_call(call)
  local keys, members = keys_of(call), members_key(call)
  local member = redis.call('HGET', members, given.number)
  local is_own = member and redis.call('HGET', keys_of(member).record, 'call') == call
  local verdict = is_own and erase_message(member) or 'erased'
  local r = look_at(keys.record)
  if r.to then unlist(call, r.to) end
  if verdict == 'open' and is_under_way(r.state) then return mark(keys.record, { erase = r.erase, recipients = 1 }) end
  if verdict ~= 'open' then redis.call('HDEL', members, given.number) end
  return verdict
end

-- An id that holds the number cannot stay, wherever the others of its message have it. A repeat of this message is a new one after that.
local function forget_id(id, to, ticket)
  local keys = keys_of(id)
  local r = read(keys.record, 'state', 'queue', 'share', 'parked')
  for pseudonym in string.gmatch(to or '', '%S+') do
    redis.call('ZREM', talk_of(pseudonym), 'out:' .. id)
    redis.call('SREM', unticketed_key(pseudonym), id)
  end
  if ticket then forget_ticket(id, ticket) end
  if r.parked then unpark(keys, id, r.state, r.parked) end
  if r.queue then
    local queue = queue_keys(r.queue)
    redis.call('LREM', queue.ready, 0, id)
    redis.call('ZREM', queue.delayed, id)
  end
  if r.share then redis.call('LREM', gather_key(r.share), 0, id) end
  redis.call('DEL', keys.record, keys.body, prefix .. 'deliveries:' .. id)
end

if is_call(given.id) then return erase_call(given.id) end
local before = read(keys_of(given.id).record, 'to', 'ticket')
local verdict = erase_message(given.id)
if given.is_named and (verdict == 'gone' or verdict == 'cancelled' or verdict == 'erased') then
  forget_id(given.id, before.to, before.ticket)
end
return verdict

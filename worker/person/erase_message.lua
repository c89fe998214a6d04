-- Erase a person from a message, or from a shared call.
-- Given: id, number, pseudonyms (of the number, under every key), is_named (the id itself holds the number), retention_ms, maxlen
-- Returns 'gone' (there is no record), 'cancelled' (it was to nobody else, and never leaves), 'left_out' (it leaves without the person),
--   'erased' (it had ended), or 'open': it may have been taken, and is seen to when it comes back. Safe to repeat.
-- uses: keys states queue erasing unsent stoppable

-- Take pseudonyms out of the list of recipients, and what waits out of what an opt-out ends. Who was in doubt is not found by number any
-- more.
local function unlist(id, to)
  local left = {}
  for each in string.gmatch(to, '%S+') do
    local is_ours = false
    for _, pseudonym in ipairs(given.pseudonyms) do is_ours = is_ours or pseudonym == each end
    if is_ours then unlist_stoppable({ each }, { id }) else left[#left + 1] = each end
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

-- An id that holds the number cannot stay. A repeat of this message is a new one after that.
local function forget_id(id)
  local keys = keys_of(id)
  local r = read(keys.record, 'state', 'queue', 'share')
  if r.queue then
    local queue = queue_keys(r.queue)
    redis.call('LREM', queue.ready, 0, id)
    redis.call('ZREM', queue.delayed, id)
  end
  if r.share then redis.call('LREM', gather_key(r.share), 0, id) end
  redis.call('DEL', keys.record, keys.body)
end

if is_call(given.id) then return erase_call(given.id) end
local verdict = erase_message(given.id)
if given.is_named and verdict ~= 'open' and verdict ~= 'left_out' then forget_id(given.id) end
return verdict

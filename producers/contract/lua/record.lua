-- Records of messages, and how they end. Takes retention_ms and maxlen from what the script is given.

-- Tell the applications about the state a record is in.
local function announce(keys, id)
  tell(id, read(keys.record, 'state', 'ticket', 'code', 'message', 'cost', 'segments', 'attempts', 'context',
    'held_until'))
end

-- Move a record to an end state, count it, tell the applications. The body goes at once where no repeat can need it, and no
-- conversation shows it. After rejected, failed and unknown a person may still decide to send again: there the body stays as long
-- as the record, and the record can be found among the parked.
local function end_record(keys, id, state)
  local r = read(keys.record, 'state', 'campaign', 'recipients', 'cost', 'aside', 'keep', 'code', 'parked', 'receipts', 'contacts',
    'early', 'ticket', 'message', 'segments', 'attempts', 'context', 'queue', 'to', 'stoppable', 'erase', 'held', 'held_until',
    'estimate', 'charged', 'app')
  local counts, was_parked, was_unknown = prefix .. 'counts', PARKED[r.state], r.state == 'unknown'
  if r.aside then leave_aside(keys, id) end
  if not was_parked and is_listed(r) then unlist_stoppable({ r.to }, { id }) end
  if r.held then forget_held(keys) end
  -- It says what came too late, and nothing of what has left.
  if r.held or state == 'accepted' then r.held_until = nil end
  if was_parked then
    redis.call('HINCRBY', counts, r.state, -1)
    unpark(keys, id, r.state, r.parked or '')
  end
  redis.call('HINCRBY', counts, state, 1)
  if r.queue then count_metric('ended:' .. r.queue .. ':' .. state, 1) end
  local fields = { 'state', state, 'ended', now }
  -- A receipt that names a price must find the day in which it was booked.
  if r.charged and booked_of(r, state) > 0 then fields[5], fields[6] = 'booked', r.charged end
  redis.call('HSET', keys.record, unpack(fields))
  redis.call('HDEL', keys.record, 'running', 'doubt', 'used', 'charged')
  settle(r, state)
  redis.call('PEXPIRE', keys.record, given.retention_ms)
  if PARKED[state] or r.keep then
    redis.call('PEXPIRE', keys.body, given.retention_ms)
  else
    redis.call('DEL', keys.body)
  end
  if PARKED[state] then park(keys, id, state, r.code or '') end
  local awaited = state == 'accepted' and awaited_of(id, r) or 0
  if awaited > 0 then add_awaited(hour_of(r, now), awaited) end
  if r.campaign then
    local campaign, recipients = campaign_key(r.campaign), tonumber(r.recipients or 1)
    if was_parked then redis.call('HINCRBY', campaign, r.state, -recipients) end
    redis.call('HINCRBY', campaign, state, recipients)
    if r.cost and not was_parked then redis.call('HINCRBYFLOAT', campaign, 'cost', r.cost) end
    if r.estimate and (not was_parked or was_unknown) then settle_campaign(campaign, r, state) end
    if awaited > 0 then redis.call('HINCRBY', campaign, 'awaited:' .. hour_of(r, now), awaited) end
    note_ended(campaign, slice_of(id, r.campaign))
    -- After the record: on older servers time goes on within a script.
    expire_campaign(campaign)
  end
  r.state = state
  if r.erase then
    forget_persons(keys, id, r.erase)
    -- Its words may name who is erased, and so may the context of a message to one person.
    r.message = nil
    if not r.recipients then r.context = nil end
  end
  tell(id, r)
end
-- uses: keys clock states aside held campaign parked receipts stoppable statuses erasing spending metrics

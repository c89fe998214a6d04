-- Shared calls. A shared call is a record like any other, under an id of its own, with its members in a hash from number to
-- request_id. It is not counted, parked or told of: its members are, one by one.

local function end_call(keys, call, state)
  leave_aside(keys, call)
  forget_held(keys)
  local r = read(keys.record, 'estimate', 'charged', 'app', 'cost')
  settle(r, state)
  local fields = { 'state', state, 'ended', now }
  -- A receipt of a member that names a price must find the day in which it was booked.
  if r.charged and booked_of(r, state) > 0 then fields[5], fields[6] = 'booked', r.charged end
  redis.call('HSET', keys.record, unpack(fields))
  redis.call('HDEL', keys.record, 'running', 'doubt', 'used', 'erase', 'charged')
  redis.call('PEXPIRE', keys.record, given.retention_ms)
  redis.call('PEXPIRE', members_key(call), given.retention_ms)
  redis.call('DEL', keys.body)
end

-- End some members of a call as the call has ended. Safe to repeat: a member that has ended, or that a person has sent again,
-- is left alone; only proof of acceptance, or its ticket, still reaches it. The common end, acceptance, is written here in few
-- steps: with hundreds of members each step counts.
local function end_members(call, ids)
  local of = read(keys_of(call).record, 'state', 'ticket', 'code', 'message', 'cost', 'attempts', 'first', 'weight',
    'held_until', 'queue')
  if not of.state then return end
  local at, accepted, awaited, bodies, people, listed = stamp(now), 0, 0, {}, {}, {}
  local cost = of.cost and tonumber(of.cost) / tonumber(of.weight or 1)
  local facts, costs = { 'attempts', of.attempts or 0 }, {}
  for _, name in ipairs({ 'ticket', 'first', 'code', 'message', 'held_until' }) do
    if of[name] then
      facts[#facts + 1] = name
      facts[#facts + 1] = of[name]
    end
  end
  local place = #facts
  for _, id in ipairs(ids) do
    local keys = keys_of(id)
    local member = read(keys.record, 'state', 'call', 'ticket', 'segments', 'context', 'keep', 'receipts', 'early', 'queue',
      'to', 'stoppable', 'erase')
    local ours = member.call == call
    local waits = ours and member.state == 'queued'
    local proven = ours and member.state == 'unknown' and of.state == 'accepted'
    local late = ours and member.state == 'accepted' and not member.ticket and of.ticket
    if cost then
      local segments = member.segments or 1
      costs[segments] = costs[segments] or string.format('%.5f', cost * tonumber(segments))
      facts[place + 1], facts[place + 2] = 'cost', costs[segments]
    end
    if waits and of.state == 'accepted' and not member.erase then
      accepted, awaited = accepted + 1, awaited + awaited_of(id, member)
      if is_listed(member) then people[#people + 1], listed[#listed + 1] = member.to, id end
      if member.keep then
        redis.call('PEXPIRE', keys.body, given.retention_ms)
      else
        bodies[#bodies + 1] = keys.body
      end
      redis.call('HSET', keys.record, 'state', 'accepted', 'ended', now, unpack(facts))
      redis.call('PEXPIRE', keys.record, given.retention_ms)
      redis.call('XADD', prefix .. 'statuses', 'MAXLEN', '~', given.maxlen, '*', 'v', '1', 'request_id', id,
        'state', 'accepted', 'ticket', of.ticket or '', 'code', of.code or '', 'message', of.message or '',
        'cost', plain_amount(facts[place + 2] or ''), 'segments', member.segments or '', 'attempt', of.attempts or '0', 'at', at,
        'context', member.context or '', 'held_until', '')
    elseif waits or proven or late then
      redis.call('HSET', keys.record, unpack(facts))
      if late then
        announce(keys, id)
      else
        end_record(keys, id, of.state)
        if member.erase then redis.call('HDEL', members_key(call), member.erase) end
      end
    end
  end
  if #bodies > 0 then redis.call('DEL', unpack(bodies)) end
  unlist_stoppable(people, listed)
  if accepted > 0 then
    redis.call('HINCRBY', prefix .. 'counts', 'accepted', accepted)
    if of.queue then count_metric('ended:' .. of.queue .. ':accepted', accepted) end
  end
  if awaited > 0 then add_awaited(hour_of({ receipts = 0 }, now), awaited) end
end
-- uses: keys clock amounts aside held record receipts stoppable spending metrics

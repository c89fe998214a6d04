-- Record what attempts brought, and end or put off their queue entries in the same step.
-- KEYS: inflight, attempts; alert ready, delayed, leases, envelopes, wake; marketing ready, delayed, leases,
--       envelopes, wake
-- ARGV: retention ms, statuses maxlen, key prefix, the 'seldom' of a send that is its last; then per attempt: id, token, outcome, posts made, '1' when one of
--       them may have been taken, '1' when one may have used up the request_id, code, message, ticket, cost, segments,
--       contacts, queue, lease of its entry, ms until the next run, '1' when a refusal may be one recipient's fault.
--       The keys of the records are derived from the prefix.
-- Outcomes: accepted | duplicate | refused | unexplained | deferred | seldom | held | unpaid | untried | unknown; see
--   worker/gateway/outcomes.py
-- Returns per attempt: 'recorded', state; or 'fenced', state when a later claim owns the record (nothing was changed, but
--   that its request_id may be used up).
--   A shared call that ended ('recorded' with an end state) keeps its entry until its members have ended: see
--   end_members.lua. One whose refusal may be one recipient's fault has become two: state 'split'.
-- Safe to repeat: the second call changes nothing and returns the state that the first one recorded.
local inflight, attempts = KEYS[1], KEYS[2]
local retention, maxlen, prefix = tonumber(ARGV[1]), ARGV[2], ARGV[3]
local now = now_ms()
local queues = {
  alert = { ready = KEYS[3], delayed = KEYS[4], leases = KEYS[5], envelopes = KEYS[6], wake = KEYS[7] },
  marketing = { ready = KEYS[8], delayed = KEYS[9], leases = KEYS[10], envelopes = KEYS[11], wake = KEYS[12] },
}

-- Two calls of half the members each, at the front of the queue. They are frozen under ids of their own when claimed.
local function split(keys, id, r, queue_name, code, message)
  local queue, map = queues[queue_name], prefix .. 'members:' .. id
  local pairs_of = redis.call('HGETALL', map)
  local half = math.ceil(#pairs_of / 4) * 2
  for number, range in ipairs({ { 1, half }, { half + 1, #pairs_of } }) do
    local child = id .. '.' .. number
    local members = (range[2] - range[1] + 1) / 2
    redis.call('HSET', prefix .. 'record:' .. child, 'v', r[8], 'state', 'queued', 'queue', queue_name, 'queued', now,
      'share', r[7], 'recipients', members, 'members', members, 'first', r[9], 'attempts', r[10], 'code', code,
      'message', message, 'reported', now)
    redis.call('HSET', prefix .. 'members:' .. child, unpack(pairs_of, range[1], range[2]))
    for i = range[1] + 1, range[2], 2 do redis.call('HSET', prefix .. 'record:' .. pairs_of[i], 'call', child) end
    redis.call('LPUSH', queue.ready, child)
    wake(queue.wake)
  end
  redis.call('DEL', map, keys.body)
  redis.call('HSET', keys.record, 'state', 'split')
  redis.call('PEXPIRE', keys.record, 3600000)
  return 'split'
end

-- The account cannot pay this one: whatever costs as much waits aside from now on. Smaller ones of its tariff, and other
-- tariffs, are tried. Returns what it costs, if known.
local function shut_credit(keys, code)
  local tariff, segments, price = price_of(keys, redis.call('GET', keys.body) or '')
  local known = redis.call('HGET', prefix .. 'gates', 'credit')
  local gate = known and cjson.decode(known) or { code = code, since = now, floors = {} }
  local floor = gate.floors[tariff] or { segments = segments, least = math.huge }
  -- Less than ever could be paid: worth a look at the balance, however long ago the last one was.
  if segments < floor.least then redis.call('HSET', prefix .. 'credit', 'probe_at', now) end
  gate.floors[tariff] = { segments = math.min(segments, floor.segments), least = math.min(segments, floor.least),
    at = now }
  redis.call('HSET', prefix .. 'gates', 'credit', cjson.encode(gate))
  return price
end

local function accept(keys, id, ticket, cost, segments, contacts)
  local fields = {}
  local function set(name, value)
    if value ~= '' then
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
  end
  -- The gateway's own word is worth more than a callback's.
  if ticket ~= '' then forget_adopted(prefix, keys.record) end
  set('ticket', ticket)
  set('cost', cost)
  set('segments', segments)
  set('contacts', contacts)
  if #fields > 0 then redis.call('HSET', keys.record, unpack(fields)) end
  if ticket ~= '' then redis.call('SET', prefix .. 'ticket:' .. ticket, id, 'PX', retention) end
end

-- Returns the verdict, the state, and whether the entry has to stay for the members.
local function finish(a)
  local id, token, outcome, ticket = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 8]
  local keys = keys_of(prefix, id)
  local r = redis.call('HMGET', keys.record, 'state', 'token', 'running', 'doubt', 'ticket', 'members', 'share', 'v',
    'first', 'attempts', 'code', 'used')
  local shared = r[6]
  if r[2] ~= token or not r[3] then
    -- Too late to count, but a no that may have used up the request_id remains one: a duplicate proves nothing any more.
    if r[1] == 'sending' and ARGV[a + 5] == '1' then redis.call('HSET', keys.record, 'used', 1) end
  end
  if r[2] ~= token then return 'fenced', r[1] or 'gone' end
  if not r[3] then
    return 'recorded', r[1], shared and r[1] ~= 'queued' and r[1] ~= 'sending' and r[1] ~= 'split'
  end

  redis.call('ZREM', inflight, id .. ':' .. token)
  redis.call('ZREM', attempts, id)
  -- An attempt that only found the account in trouble is not one of this message.
  if outcome ~= 'held' and outcome ~= 'unpaid' and outcome ~= 'untried' then
    r[10] = redis.call('HINCRBY', keys.record, 'attempts', ARGV[a + 3])
  end
  redis.call('HDEL', keys.record, 'running')
  if shared then redis.call('HSET', keys.record, 'reported', now) end
  local doubt, used = r[4] == '1' or ARGV[a + 4] == '1', r[12] == '1' or ARGV[a + 5] == '1'
  if outcome ~= 'accepted' then redis.call('HSET', keys.record, 'code', ARGV[a + 6], 'message', ARGV[a + 7]) end

  -- The gateway wants to be asked no more for this one: a few times more, all the same, and then a person decides.
  if outcome == 'seldom' then
    outcome = redis.call('HINCRBY', keys.record, 'seldom', 1) < tonumber(ARGV[4]) and 'deferred' or 'unexplained'
  end
  local price = outcome == 'unpaid' and shut_credit(keys, ARGV[a + 6]) or nil
  local put_off = outcome == 'deferred' or outcome == 'held' or outcome == 'unpaid' or outcome == 'untried'
  if outcome == 'unknown' or (put_off and doubt) then
    redis.call('HSET', keys.record, 'doubt', 1)
    -- Under the present name, that is: one in doubt keeps it.
    if shared then redis.call('HSET', keys.record, 'told', 1) end
    if used then redis.call('HSET', keys.record, 'used', 1) end
    open_numbers(prefix, redis.call('GET', keys.body) or '', id, retention)
    return 'recorded', 'sending'
  end
  if put_off then
    redis.call('HSET', keys.record, 'state', 'queued')
    -- Proof that no POST under its name was taken: a call is frozen anew, under a fresh one.
    if shared then
      redis.call('HDEL', keys.record, 'freeze')
    elseif used then
      redis.call('HSET', keys.record, 'used', 1)
    end
    -- The window begins with a POST.
    if outcome == 'held' or outcome == 'unpaid' or (outcome == 'untried' and not r[10]) then
      redis.call('HDEL', keys.record, 'first')
    end
    if outcome == 'unpaid' then put_aside(keys, id, 'credit', price) end
    return 'recorded', 'queued'
  end

  local state
  if outcome == 'accepted' then
    state = 'accepted'
    if r[11] then redis.call('HDEL', keys.record, 'code', 'message') end
    accept(keys, id, ticket, ARGV[a + 9], ARGV[a + 10], ARGV[a + 11])
    if shared and (tonumber(ARGV[a + 11]) or math.huge) < tonumber(shared) then
      -- Somebody was left out, and nobody says who: only a receipt or a reply tells of each.
      state = 'unknown'
      redis.call('HSET', keys.record, 'code', 'fewer_contacts')
    end
  elseif outcome == 'duplicate' then
    -- Only an earlier attempt of ours whose fate was open makes a duplicate an acceptance, and only if no answer that
    -- said no may have used up the request_id.
    state = doubt and not used and 'accepted' or 'unknown'
    if state == 'accepted' then redis.call('HDEL', keys.record, 'code', 'message') end
  elseif outcome == 'unexplained' then
    state = 'unknown'
  elseif outcome == 'refused' then
    if not doubt and shared and tonumber(shared) > 1 and ARGV[a + 15] == '1' then
      return 'recorded', split(keys, id, r, ARGV[a + 12], ARGV[a + 6], ARGV[a + 7])
    end
    -- After an attempt of unknown outcome a refusal proves nothing about that attempt.
    state = doubt and 'unknown' or 'rejected'
  end
  -- A duplicate without an open POST of ours is perhaps somebody else's message, and so are its receipts.
  local strange = outcome == 'duplicate' and not doubt
  if ticket == '' and not r[5] and state ~= 'rejected' and not strange then
    open_numbers(prefix, redis.call('GET', keys.body) or '', id, retention)
  elseif doubt and ticket ~= '' then
    close_numbers(prefix, redis.call('GET', keys.body) or '', id)
  end
  if shared then
    end_call(keys, id, state, retention, now)
  else
    end_record(keys, state, id, retention, maxlen, now)
  end
  return 'recorded', state, shared
end

local result, touched = {}, {}
for a = 5, #ARGV, 16 do
  local id, queue, lease = ARGV[a], queues[ARGV[a + 12]], ARGV[a + 13]
  local verdict, state, stays = finish(a)
  if stays and redis.call('ZSCORE', queue.leases, lease) then
    redis.call('SADD', ending_of(queue.leases), lease)
    touched[ARGV[a + 12]] = queue
  elseif not stays and redis.call('ZREM', queue.leases, lease) == 1 then
    touched[ARGV[a + 12]] = queue
    if verdict == 'recorded' and (state == 'queued' or state == 'sending') then
      redis.call('ZADD', queue.delayed, now + tonumber(ARGV[a + 14]), id)
      wake(queue.wake)
    end
    redis.call('HDEL', queue.envelopes, id)
  end
  result[#result + 1], result[#result + 2] = verdict, state
end
-- Somebody may be waiting for a free call.
for _, queue in pairs(touched) do
  if redis.call('EXISTS', queue.ready) == 1 then wake(queue.wake) end
end
return result

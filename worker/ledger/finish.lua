-- Record what attempts brought, and end or delay their queue entries in the same step.
-- Given: retention_ms, maxlen, seldom_most, credit (left on the account, none if no answer said so), credit_low, results (each id, token,
--   outcome, posts, in_doubt, id_used_up, splits, code, message, ticket, cost, segments, contacts, queue, lease, delay_ms,
--   calls, countries).
--   outcome: accepted | duplicate | refused | forbidden | unexplained | deferred | seldom | held | unpaid | untried | unknown; see
--   worker/ledger/evidence.py. in_doubt: a POST may have been taken. id_used_up: an answer that said no may have used up the
--   request_id. splits: the refusal may be the fault of one recipient. seldom_most: the outcome 'seldom' that is a message's last.
--   calls: the POSTs, each its outcome, the class of its duration, ms, and a code or ''. countries: recipients by country.
-- Returns per attempt the state in which its record is now, or 'fenced' when another claim owns the record: then nothing has
--   changed, but that the request_id may be used up. A call that has become two is in the state 'split'. A shared call that has
--   ended keeps its entry until its members have ended, too: see end_members.lua.
-- Safe to repeat: the second call changes nothing and returns the states that the first one recorded.
-- uses: keys clock states queue aside record call unticketed prices credit unsent drift spending splitting own_attempt tallies

local attempt_leases, attempt_starts = prefix .. 'attempt_leases', prefix .. 'attempt_starts'
local queues = { alert = queue_keys('alert'), marketing = queue_keys('marketing') }

-- An attempt that only found the account in trouble is not one of its message.
local NOT_COUNTED = { held = true, unpaid = true, untried = true }
-- After these the same message may be taken later.
local DELAYED = { deferred = true, held = true, unpaid = true, untried = true }

-- Shut the gate of credit: the account cannot pay this call, and whatever costs as much waits aside from now on. Smaller calls of
-- its tariff, and other tariffs, are tried. Returns what the call costs, if that is known.
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

-- Keep a message in doubt: it goes on under its present request_id, with its present bytes.
local function keep_in_doubt(keys, record, result, used)
  redis.call('HDEL', keys.record, 'running')
  redis.call('HSET', keys.record, 'doubt', 1)
  -- The claim of this call was confirmed, under the name that the call keeps from now on.
  if record.members then redis.call('HSET', keys.record, 'confirmed', 1) end
  if used then redis.call('HSET', keys.record, 'used', 1) end
  await_ticket(result.id)
  return 'sending'
end

-- Let a message come again that was surely not taken.
local function queue_again(keys, record, result, outcome, used, price)
  settle(record, 'queued')
  redis.call('HDEL', keys.record, 'running', 'charged')
  redis.call('HSET', keys.record, 'state', 'queued')
  -- It is proven that no POST under its name was taken: a call is composed anew, under a fresh name.
  if record.members then
    redis.call('HDEL', keys.record, 'composed')
  elseif used then
    redis.call('HSET', keys.record, 'used', 1)
  end
  -- The window begins with a POST.
  if outcome == 'held' or outcome == 'unpaid' or (outcome == 'untried' and not record.attempts) then
    redis.call('HDEL', keys.record, 'first')
  end
  if outcome == 'unpaid' then put_aside(keys, result.id, 'credit', price) end
  return 'queued'
end

-- Write down what the gateway said when it took a message. Returns the end state.
local function accept(keys, record, result)
  if record.code then redis.call('HDEL', keys.record, 'code', 'message') end
  -- The gateway's own word is worth more than a callback's, also about another send that took the ticket for its own.
  if result.ticket then
    if record.adopted then forget_adopted(result.id) end
    local other = redis.call('SET', ticket_key(result.ticket), result.id, 'PX', given.retention_ms, 'GET')
    if other and other ~= result.id then disown(other) end
  end
  local fields = {}
  for _, name in ipairs({ 'ticket', 'cost', 'segments', 'contacts' }) do
    if result[name] then
      fields[#fields + 1] = name
      fields[#fields + 1] = result[name]
    end
  end
  if #fields > 0 then redis.call('HSET', keys.record, unpack(fields)) end
  if record.members and (result.contacts or math.huge) < tonumber(record.members) then
    -- Somebody was left out, and nobody says who: only a receipt or a reply tells of each.
    redis.call('HSET', keys.record, 'code', 'fewer_contacts')
    return 'unknown'
  end
  return 'accepted'
end

-- Find the end state of a message after an outcome that ends it.
local function end_state(keys, record, result, outcome, doubt, used)
  if outcome == 'accepted' then return accept(keys, record, result) end
  if record.adopted then
    -- Its callback is proof: somebody has the text.
    redis.call('HDEL', keys.record, 'code', 'message')
    return 'accepted'
  end
  -- Nothing was posted: somebody is not among the numbers that may be texted.
  if outcome == 'forbidden' then return doubt and 'unknown' or 'cancelled' end
  -- After an attempt in doubt a refusal proves nothing about that attempt.
  if outcome == 'refused' then return doubt and 'unknown' or 'rejected' end
  -- Only an earlier attempt of ours in doubt makes a duplicate an acceptance, and only if no answer that said no may have used up
  -- the request_id.
  if outcome == 'duplicate' and doubt and not used then
    redis.call('HDEL', keys.record, 'code', 'message')
    return 'accepted'
  end
  return 'unknown'
end

-- Count the POSTs of an attempt. Those of one that another claim has taken over are not counted: what is told late may be told twice.
local function tally_calls(calls)
  for _, call in ipairs(calls) do
    local word, class, ms, code = unpack(call)
    tally('calls:' .. word .. ':' .. class, 1)
    tally('calls:' .. word .. ':sum_ms', ms)
    if code ~= '' then tally('errors:' .. code, 1) end
  end
end

-- Count what was bought: segments by country, shared out by recipients, and what the gateway said that they cost.
local function tally_bought(record, result)
  local segments, recipients = tonumber(result.segments or record.weight or record.segments or 1), 0
  for _, count in pairs(result.countries) do recipients = recipients + count end
  local counted, so_far = 0, 0
  for country, count in pairs(result.countries) do
    so_far = so_far + count
    local upto = math.floor(segments * so_far / recipients + 0.5)
    if upto > counted then tally('segments:' .. country .. ':' .. result.queue, upto - counted) end
    counted = upto
  end
  if result.cost then tally('cost', math.floor(tonumber(result.cost) * MICRO + 0.5)) end
end

-- Record what one attempt brought. Returns the state, and whether the entry has to stay for the members of a shared call.
local function finish(result)
  local id, keys = result.id, keys_of(result.id)
  local record = read(keys.record, 'state', 'token', 'running', 'doubt', 'used', 'members', 'share', 'v', 'first', 'attempts',
    'code', 'ticket', 'adopted', 'erase', 'estimate', 'charged', 'app', 'segments', 'weight')
  if not is_attempt_of(record, result.token, result.lease) then
    -- Too late to count, but a no that may have used up the request_id remains one: a duplicate proves nothing any more.
    if record.state == 'sending' and result.id_used_up then redis.call('HSET', keys.record, 'used', 1) end
    if tonumber(record.token) ~= result.token or record.running then return 'fenced' end
    return record.state, record.members and not is_under_way(record.state) and record.state ~= 'split'
  end

  tally_calls(result.calls)
  redis.call('ZREM', attempt_leases, id .. ':' .. result.token)
  redis.call('ZREM', attempt_starts, id)
  if not NOT_COUNTED[result.outcome] then
    record.attempts = redis.call('HINCRBY', keys.record, 'attempts', result.posts)
  end
  if record.members then redis.call('HSET', keys.record, 'reported', now) end
  if result.outcome ~= 'accepted' then
    redis.call('HSET', keys.record, 'code', result.code, 'message', result.message)
  end

  local outcome, doubt, used = result.outcome, record.doubt or result.in_doubt, record.used or result.id_used_up
  -- The gateway wants to be asked no more for this message. It is asked a few times more, and then a person decides.
  if outcome == 'seldom' then
    outcome = redis.call('HINCRBY', keys.record, 'seldom', 1) < given.seldom_most and 'deferred' or 'unexplained'
  end
  local price = outcome == 'unpaid' and shut_credit(keys, result.code) or nil
  if outcome == 'unknown' or (DELAYED[outcome] and doubt) then return keep_in_doubt(keys, record, result, used) end
  local splits = (outcome == 'refused' or outcome == 'forbidden') and result.splits and not doubt and tonumber(record.members or 1) > 1
  if record.erase and (splits or DELAYED[outcome]) then
    -- It was surely not taken: who is erased does not get it any more.
    settle(record, 'queued')
    record.charged = nil
    redis.call('HSET', keys.record, 'state', 'queued')
    redis.call('HDEL', keys.record, 'running', 'charged')
    if not go_without(keys, id, record.erase) then return 'cancelled' end
    -- One member alone is composed anew, and is refused as one.
    if splits and redis.call('HLEN', members_key(id)) < 2 then outcome, splits = 'deferred', false end
  end
  if DELAYED[outcome] then return queue_again(keys, record, result, outcome, used, price) end
  if splits then
    settle(record, 'split')
    return split_call(keys, id, result.queue, math.ceil(redis.call('HLEN', members_key(id)) / 2))
  end

  local state = end_state(keys, record, result, outcome, doubt, used)
  if state == 'accepted' or outcome == 'accepted' then tally_bought(record, result) end
  -- A duplicate of nothing that we have in doubt is perhaps somebody else's message, and so are its receipts.
  local strange = outcome == 'duplicate' and not doubt
  if not result.ticket and not record.ticket and state ~= 'rejected' and state ~= 'cancelled' and not strange then
    await_ticket(id)
  elseif doubt and result.ticket then
    await_no_ticket(id)
  end
  if record.members then
    end_call(keys, id, state)
  else
    end_record(keys, id, state)
  end
  return state, record.members
end

local states, touched = {}, {}
for i, result in ipairs(given.results) do
  local queue = queues[result.queue]
  local state, stays = finish(result)
  if stays and redis.call('ZSCORE', queue.leases, result.lease) then
    redis.call('SADD', queue.ending, result.lease)
    touched[result.queue] = queue
  elseif not stays and redis.call('ZREM', queue.leases, result.lease) == 1 then
    touched[result.queue] = queue
    if is_under_way(state) then
      redis.call('ZADD', queue.delayed, now + result.delay_ms, result.id)
      wake_consumer(queue)
    elseif state == 'fenced' and is_under_way(redis.call('HGET', keys_of(result.id).record, 'state')) then
      -- The entry is still ours, so nobody else has one: Redis has forgotten the claim of this attempt.
      redis.call('LPUSH', queue.ready, result.id)
      wake_consumer(queue)
    end
    redis.call('HDEL', queue.envelopes, result.id)
  end
  states[i] = state
end
for _, queue in pairs(touched) do wake_if_ready(queue) end
if given.credit then note_credit(given.credit) end
note_drift()
write_tallies()
return states

-- Shared by all scripts: put in front of each by producers/contract/scripts.py.

-- Milliseconds since the epoch by Redis's clock, the only clock that decides anything.
local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- ISO 8601 UTC with milliseconds. Days to civil date after Howard Hinnant's public algorithm.
local function stamp(ms)
  local seconds = math.floor(ms / 1000)
  local days = math.floor(seconds / 86400)
  local rest = seconds - days * 86400
  local z = days + 719468
  local era = math.floor(z / 146097)
  local doe = z - era * 146097
  local yoe = math.floor((doe - math.floor(doe / 1460) + math.floor(doe / 36524) - math.floor(doe / 146096)) / 365)
  local doy = doe - (365 * yoe + math.floor(yoe / 4) - math.floor(yoe / 100))
  local mp = math.floor((5 * doy + 2) / 153)
  local day = doy - math.floor((153 * mp + 2) / 5) + 1
  local month = mp < 10 and mp + 3 or mp - 9
  local year = yoe + era * 400 + (month <= 2 and 1 or 0)
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, math.floor(rest / 3600),
    math.floor(rest / 60) % 60, rest % 60, ms % 1000)
end

-- Wake one idle consumer. A few tokens are enough: a consumer that finds more than it can hold passes one on.
local function wake(wake_key)
  if redis.call('LLEN', wake_key) < 16 then redis.call('RPUSH', wake_key, '1') end
end

-- Put an entry at the end of a queue.
local function push(ready_key, wake_key, id)
  redis.call('RPUSH', ready_key, id)
  wake(wake_key)
end

-- Sends that may share a call gather in a list per share, and a token in the queue stands for all of them: it is there
-- exactly as long as the list is not empty. The list's key is derived: same slot, not declared.
local GATHERED = '~'
local function gather(prefix, ready_key, wake_key, share, id)
  if redis.call('RPUSH', prefix .. 'gather:' .. share, id) == 1 then push(ready_key, wake_key, GATHERED .. share) end
end

-- The era in which nothing can have been forgotten. A server that was started or promoted may lack the last writes of the
-- one before; who was texted in them, alone and under the own id, must not be texted again under the name of a shared call.
-- So each such server begins an era, with the first call that it freezes, and what bears an earlier one is older. A count
-- and no time: two servers' clocks differ. It is there before any message that may share one: see enqueue.lua.
local function server_mark()
  local mark = ''
  for _, each in ipairs({ { 'server', 'run_id' }, { 'replication', 'master_replid' } }) do
    local found = redis.pcall('INFO', each[1])
    mark = mark .. (type(found) == 'string' and string.match(found, each[2] .. ':(%w+)') or '')
  end
  return mark
end

local function era_of(prefix)
  local key, mark = prefix .. 'memory', server_mark()
  local r = redis.call('HMGET', key, 'server', 'era')
  if r[1] == mark and r[2] then return r[2] end
  redis.call('HSET', key, 'server', mark)
  return tostring(redis.call('HINCRBY', key, 'era', 1))
end

-- Tell the applications about the state a record is in.
local function announce(keys, maxlen, request_id, now)
  local r = redis.call('HMGET', keys.record, 'state', 'ticket', 'code', 'message', 'cost', 'segments', 'attempts',
    'context')
  redis.call('XADD', keys.statuses, 'MAXLEN', '~', maxlen, '*', 'v', '1', 'request_id', request_id,
    'state', r[1] or '', 'ticket', r[2] or '', 'code', r[3] or '', 'message', r[4] or '', 'cost', r[5] or '',
    'segments', r[6] or '', 'attempt', r[7] or '0', 'at', stamp(now), 'context', r[8] or '')
end

-- The keys that a transition of one record takes, in this order, as the first of its KEYS.
local function transition_keys()
  return { record = KEYS[1], body = KEYS[2], statuses = KEYS[3], counts = KEYS[4], parked = KEYS[5],
    prefix = string.match(KEYS[1], '^{[^}]*}:') }
end

-- The same keys for scripts that work on many records: derived from the prefix, so in the same slot, not declared.
local function keys_of(prefix, id)
  return { record = prefix .. 'record:' .. id, body = prefix .. 'body:' .. id, statuses = prefix .. 'statuses',
    counts = prefix .. 'counts', parked = prefix .. 'parked', prefix = prefix }
end

-- Sends that wait aside. What concerns some sends and not all is a gate: a breaker, or a price that the account cannot
-- pay. A send that meets one stays an entry like any other, among the delayed: its claim looks at the gates again when
-- it is due, so nothing depends on who opens them. A sorted set per gate holds the ids to be given back early.
local function leave_aside(keys, id)
  local r = redis.call('HMGET', keys.record, 'aside', 'campaign')
  if not r[1] then return end
  redis.call('HDEL', keys.record, 'aside', 'price')
  redis.call('ZREM', keys.prefix .. 'aside:' .. r[1], id)
  if r[2] then
    local campaign, field = keys.prefix .. 'campaign:' .. r[2], 'aside:' .. r[1]
    if redis.call('HINCRBY', campaign, field, -1) <= 0 then redis.call('HDEL', campaign, field, 'price:' .. r[1]) end
  end
end

-- The price is an estimate in the account's currency, or nil; the cheapest are given back first.
local function put_aside(keys, id, gate, price)
  leave_aside(keys, id)
  redis.call('HSET', keys.record, 'aside', gate)
  redis.call('ZADD', keys.prefix .. 'aside:' .. gate, price or 0, id)
  local name = redis.call('HGET', keys.record, 'campaign')
  local campaign = name and keys.prefix .. 'campaign:' .. name
  if campaign then redis.call('HINCRBY', campaign, 'aside:' .. gate, 1) end
  if price then
    price = string.format('%.5f', price)
    redis.call('HSET', keys.record, 'price', price)
    if campaign then redis.call('HSET', campaign, 'price:' .. gate, price) end
  end
end

-- What decides the price of a segment, as far as a body tells: the type and the country code of its recipients.
-- Codes have one digit, two if they are listed here, else three.
local TWO_DIGITS = ' 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66'
  .. ' 81 82 84 86 90 91 92 93 94 95 98 '
local function tariff_of(body)
  local country
  for digits in string.gmatch(body, '"phone_number":"%+(%d%d%d)') do
    local first, two = string.sub(digits, 1, 1), string.sub(digits, 1, 2)
    local code = (first == '1' or first == '7') and first
      or string.find(TWO_DIGITS, ' ' .. two .. ' ', 1, true) and two or digits
    if country and country ~= code then
      country = 'several'
      break
    end
    country = code
  end
  return (string.match(body, '"type":"([^"]*)"') or '') .. ':' .. (country or '')
end

-- What a send costs: its tariff, its segments over all recipients, and what these cost lately, or nil.
local function price_of(keys, body)
  local r = redis.call('HMGET', keys.record, 'weight', 'segments')
  local tariff, segments = tariff_of(body), tonumber(r[1] or r[2] or 1)
  local each = tonumber(redis.call('HGET', keys.prefix .. 'prices', tariff) or nil)
  return tariff, segments, each and each * segments
end

-- A campaign is a hash, and beside it a bitmap of the slices that have ended: it tells a slice whose record is gone
-- since it ended long ago from one that was lost, or never queued. Both are kept and forgotten together.
local function keep_campaign(key)
  redis.call('PERSIST', key)
  redis.call('PERSIST', key .. ':ended')
end

-- Without limit while a message of it waits, however long, with its pause; and until a run has come to its end or
-- somebody has cancelled it: the next run must know whom the last one has reached. Then as long as any of its records.
local function settle_campaign(key, retention_ms)
  local c = redis.call('HMGET', key, 'recipients', 'accepted', 'rejected', 'expired', 'cancelled', 'failed', 'unknown',
    'complete', 'stopped')
  local left = tonumber(c[1] or 0)
  for i = 2, 7 do left = left - tonumber(c[i] or 0) end
  if left > 0 or (c[1] and not (c[8] or c[9])) then return keep_campaign(key) end
  if redis.call('PTTL', key) < tonumber(retention_ms) then redis.call('PEXPIRE', key, retention_ms) end
  redis.call('PEXPIREAT', key .. ':ended', redis.call('PEXPIRETIME', key))
end

-- Move a record to an end state, count it, tell the applications. The body goes at once where no repeat can need
-- it; after rejected, failed and unknown a person may still decide to send again: there it stays as long as the
-- record, and the record can be found among the parked.
local PARKED = { rejected = true, failed = true, unknown = true }
local function end_record(keys, state, request_id, retention_ms, maxlen, now)
  local r = redis.call('HMGET', keys.record, 'state', 'campaign', 'recipients', 'cost', 'aside')
  local before = r[1]
  if r[5] then leave_aside(keys, request_id) end
  if PARKED[before] then redis.call('HINCRBY', keys.counts, before, -1) end
  redis.call('HINCRBY', keys.counts, state, 1)
  redis.call('HSET', keys.record, 'state', state, 'ended', now)
  redis.call('HDEL', keys.record, 'running', 'doubt', 'used')
  redis.call('PEXPIRE', keys.record, retention_ms)
  if PARKED[state] then
    redis.call('PEXPIRE', keys.body, retention_ms)
    redis.call('ZADD', keys.parked, now, request_id)
    redis.call('ZREMRANGEBYSCORE', keys.parked, '-inf', now - retention_ms)
  else
    redis.call('DEL', keys.body)
    if PARKED[before] then redis.call('ZREM', keys.parked, request_id) end
  end
  if r[2] then
    local campaign, recipients = keys.prefix .. 'campaign:' .. r[2], tonumber(r[3] or 1)
    if PARKED[before] then redis.call('HINCRBY', campaign, before, -recipients) end
    redis.call('HINCRBY', campaign, state, recipients)
    if r[4] and not PARKED[before] then redis.call('HINCRBYFLOAT', campaign, 'cost', r[4]) end
    redis.call('SETBIT', campaign .. ':ended', string.sub(request_id, #r[2] + 2), 1)
    -- After the record: on older servers time goes on within a script.
    settle_campaign(campaign, retention_ms)
  end
  announce(keys, maxlen, request_id, now)
end

-- A shared call is a record like any other, under an id of its own, with its members in a hash from number to
-- request_id. It is not counted, parked or told of: its members are, one by one.
local function end_call(keys, call, state, retention_ms, now)
  leave_aside(keys, call)
  redis.call('HSET', keys.record, 'state', state, 'ended', now)
  redis.call('HDEL', keys.record, 'running', 'doubt', 'used')
  redis.call('PEXPIRE', keys.record, retention_ms)
  redis.call('PEXPIRE', keys.prefix .. 'members:' .. call, retention_ms)
  redis.call('DEL', keys.body)
end

-- Bring to members what their call has come to. Safe to repeat: a member that has ended, or that a person has sent
-- again, is left alone; only proof of acceptance, or its ticket, still reaches it. The common end, acceptance, is
-- written here in few steps: with hundreds of members each step counts.
local function end_members(prefix, call_id, call, ids, retention_ms, maxlen, now)
  local at, bodies, statuses = stamp(now), {}, prefix .. 'statuses'
  local cost = call.cost and tonumber(call.cost) / tonumber(call.weight or 1)
  local facts, costs = { 'attempts', call.attempts or 0 }, {}
  for _, name in ipairs({ 'ticket', 'first', 'code', 'message' }) do
    if call[name] then
      facts[#facts + 1] = name
      facts[#facts + 1] = call[name]
    end
  end
  local place = #facts
  for _, id in ipairs(ids) do
    local record = prefix .. 'record:' .. id
    local r = redis.call('HMGET', record, 'state', 'call', 'ticket', 'segments', 'context')
    local waits = r[2] == call_id and r[1] == 'queued'
    local proven = r[2] == call_id and r[1] == 'unknown' and call.state == 'accepted'
    local late = r[2] == call_id and r[1] == 'accepted' and not r[3] and call.ticket
    if cost then
      costs[r[4]] = costs[r[4]] or string.format('%.5f', cost * tonumber(r[4] or 1))
      facts[place + 1], facts[place + 2] = 'cost', costs[r[4]]
    end
    if waits and call.state == 'accepted' then
      bodies[#bodies + 1] = prefix .. 'body:' .. id
      redis.call('HSET', record, 'state', 'accepted', 'ended', now, unpack(facts))
      redis.call('PEXPIRE', record, retention_ms)
      redis.call('XADD', statuses, 'MAXLEN', '~', maxlen, '*', 'v', '1', 'request_id', id, 'state', 'accepted',
        'ticket', call.ticket or '', 'code', call.code or '', 'message', call.message or '',
        'cost', costs[r[4]] or '', 'segments', r[4] or '', 'attempt', call.attempts or '0', 'at', at,
        'context', r[5] or '')
    elseif waits or proven or late then
      redis.call('HSET', record, unpack(facts))
      local keys = keys_of(prefix, id)
      if late then
        announce(keys, maxlen, id, now)
      else
        end_record(keys, call.state, id, retention_ms, maxlen, now)
      end
    end
  end
  if #bodies > 0 then
    redis.call('DEL', unpack(bodies))
    redis.call('HINCRBY', prefix .. 'counts', 'accepted', #bodies)
  end
end

-- What the members of a call need to know of it.
local function call_facts(record)
  local r = redis.call('HMGET', record, 'state', 'ticket', 'code', 'message', 'cost', 'attempts', 'first', 'weight')
  return { state = r[1], ticket = r[2], code = r[3], message = r[4], cost = r[5], attempts = r[6], first = r[7],
    weight = r[8] }
end

-- Sends whose acceptance is possible but whose ticket is unknown can be found by number, so that the first
-- receipt or reply can supply the ticket. The index key is derived from the body: same slot, not declared.
local function open_numbers(prefix, body, id, retention_ms)
  if body == '' then return end
  for _, recipient in ipairs(cjson.decode(body).recipients) do
    local key = prefix .. 'unticketed:' .. redis.sha1hex(recipient.phone_number)
    redis.call('SADD', key, id)
    redis.call('PEXPIRE', key, retention_ms)
  end
end

-- A ticket that was adopted from a callback gives way: what it led to is not believed any more.
local function forget_adopted(prefix, record)
  local r = redis.call('HMGET', record, 'adopted', 'ticket')
  if not r[1] then return end
  redis.call('DEL', prefix .. 'ticket:' .. r[2])
  redis.call('HDEL', record, 'adopted', 'ticket')
end

local function close_numbers(prefix, body, id)
  if body == '' then return end
  for _, recipient in ipairs(cjson.decode(body).recipients) do
    redis.call('SREM', prefix .. 'unticketed:' .. redis.sha1hex(recipient.phone_number), id)
  end
end

-- The rate limit is kept as debts in ms, which time pays off: one of all sends, which marketing waits for, and one of the
-- alerts alone, so that no alert waits for what marketing owes. There is no deadline in it that a clock set back could
-- move away: time that seems to begin in the future begins now.
local function debts(rate_key, now)
  local r = redis.call('HMGET', rate_key, 'all', 'alert', 'at')
  local at = tonumber(r[3] or now)
  if at > now then redis.call('HSET', rate_key, 'at', now) end
  local paid = math.max(0, now - at)
  return math.max(0, tonumber(r[1] or 0) - paid), math.max(0, tonumber(r[2] or 0) - paid)
end

local function charge(rate_key, now, ms, class)
  local all, alert = debts(rate_key, now)
  all, alert = all + ms, class == 'alert' and alert + ms or alert
  redis.call('HSET', rate_key, 'all', string.format('%.3f', all), 'alert', string.format('%.3f', alert), 'at', now)
  redis.call('PEXPIRE', rate_key, math.ceil(all) + 1000)
end

-- Milliseconds that a pause still lasts. Its key's own expiry moves with the clock; this is never more than was asked for.
local function pause_left(pause_key, now)
  local r = redis.call('HMGET', pause_key, 'at', 'ms')
  if not r[1] then return 0 end
  local at, ms = tonumber(r[1]), tonumber(r[2])
  if at > now then
    redis.call('HSET', pause_key, 'at', now)
    at = now
  end
  return math.max(0, at + ms - now)
end

-- Shared calls that are back and only have to tell their members: their leases, beside the queue's, in a set whose key
-- is derived. They are held, but no longer in flight.
local function ending_of(leases_key)
  return (string.gsub(leases_key, 'leases$', 'ending'))
end

local function held_out(leases_key)
  return redis.call('ZCARD', leases_key) - redis.call('SCARD', ending_of(leases_key))
end

local function calls_out(alert_leases, marketing_leases)
  return held_out(alert_leases) + held_out(marketing_leases)
end

-- The calls that may be in flight now: the setting, or fewer while the gateway shows strain; 0 for any number.
local function calls_in_flight(flight_key, setting)
  local limit = tonumber(redis.call('HGET', flight_key, 'limit') or nil)
  if not limit then return setting end
  limit = math.max(1, math.floor(limit))
  return setting > 0 and math.min(limit, setting) or limit
end

-- No deadline is further ahead than whoever set it may set it: one that is was set before the clock went back.
local function clamp(leases_key, longest, now)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases_key, '(' .. now + longest, '+inf', 'LIMIT', 0, 1000)) do
    redis.call('ZADD', leases_key, 'XX', now + longest, member)
  end
end

-- Upkeep of a queue's leases by whoever is heard: a fetch, or the renewals of a process that has no room to fetch.
-- Entries whose lease has run out go back to the front.
local function tend(ready, leases, wake_key, seen, back, lease, now)
  local last = tonumber(redis.call('GET', seen) or now)
  redis.call('SET', seen, now)
  -- When nobody was heard for a while, Redis itself was away or its clock leapt, and leases ran out that their living
  -- holders could not renew. Those get the time to do so before anything is taken from them, once: the half marks a
  -- deadline that its holder did not set.
  local GRACE = 5000
  if now - last > GRACE then
    local found = redis.call('ZRANGEBYSCORE', leases, '-inf', now + GRACE, 'WITHSCORES')
    for i = 1, #found, 2 do
      if found[i + 1] % 1 == 0 then redis.call('ZADD', leases, 'XX', now + GRACE + 0.5, found[i]) end
    end
  elseif last - now > 1000 then
    redis.call('HSET', back, 'ms', last - now, 'after', now)
  end
  clamp(leases, lease, now)

  local over = redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 1000)
  if #over == 0 then return end
  redis.call('ZREM', leases, unpack(over))
  redis.call('SREM', ending_of(leases), unpack(over))
  for i, member in ipairs(over) do over[i] = string.match(member, '^[^:]*:(.*)$') end
  redis.call('LPUSH', ready, unpack(over))
  wake(wake_key)
end

-- A send on its way through the gates: a message or a shared call, with the entry that it came with. It has id, lease (of its
-- entry), keys, record (its fields by name), token (of the last claim), doubt, expires and, once its hours were asked, closes: when POSTs
-- may begin no more.

-- Read a send as its record has it.
local function send_of(id, lease)
  local keys = keys_of(id)
  local record = read(keys.record, 'state', 'token', 'running', 'doubt', 'first', 'due', 'expires', 'v', 'recipients', 'members',
    'campaign', 'call', 'composed', 'aside', 'confirmed', 'attempts', 'era', 'queue', 'adopted', 'to', 'scope', 'stoppable', 'zones',
    'held', 'estimate', 'charged', 'app', 'erase', 'queued', 'held_until', 'since', 'trace', 'links', 'raced')
  return { id = id, lease = lease, keys = keys, record = record, token = tonumber(record.token or 0),
    doubt = record.doubt == '1', expires = tonumber(record.expires or math.huge) }
end

-- Whether the namespace belongs to the account of whoever asks. Between the start of a worker and its claim an operator may have given it
-- away: what waits is another account's to send. Takes account from what the script is given, none where nobody asks.
local function is_namespace_ours()
  return not given.account or redis.call('GET', prefix .. 'account') == given.account
end

-- The bytes to POST, or nil.
local function body_of(send)
  if send.body == nil then send.body = redis.call('GET', send.keys.body) end
  return send.body or nil
end

-- Let a shared call be composed anew before it is claimed again. What is composed then has the members that are left.
local function compose_anew(send)
  redis.call('HDEL', send.keys.record, 'composed')
  return { 'compose' }
end

-- The gates that are shut for some sends and not all: name to facts. Mostly there are none.
local gates_found
local function shut_gates()
  if gates_found then return gates_found end
  gates_found = {}
  local facts = redis.call('HGETALL', prefix .. 'gates')
  for i = 1, #facts, 2 do gates_found[facts[i]] = cjson.decode(facts[i + 1]) end
  return gates_found
end

-- End the entry of a send that waits elsewhere from now on, in the same step. Returns its queue, nil if the entry was no longer ours.
-- Takes queue from what the script is given.
local function end_entry(send)
  local queue = queue_keys(given.queue)
  if redis.call('ZREM', queue.leases, send.lease) == 0 then return end
  redis.call('HDEL', queue.envelopes, send.id)
  return queue
end

-- Let a send come again at a time: it becomes a delayed entry.
local function come_again(send, at)
  local queue = end_entry(send)
  if queue then redis.call('ZADD', queue.delayed, at, send.id) end
end

-- Let a send wait aside at a gate. Its claim looks at the gates again at a time, without one after aside_ms. Takes aside_ms from what
-- the script is given. What waits was surely not taken: its window begins anew, since it could not be tried meanwhile.
local function wait_aside(send, name, price, until_ms)
  redis.call('HDEL', send.keys.record, 'first')
  put_aside(send.keys, send.id, name, price)
  come_again(send, math.min(send.expires, until_ms or now + given.aside_ms))
  return { 'aside' }
end
-- uses: clock keys queue aside

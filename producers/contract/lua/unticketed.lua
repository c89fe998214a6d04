-- Sends whose acceptance is possible but whose ticket is unknown. They can be found by number, so that the first receipt or reply
-- can supply the ticket. Takes retention_ms from what the script is given.

local function unticketed_key(pseudonym)
  return prefix .. 'unticketed:' .. pseudonym
end

-- The keys of all recipients of a send.
local function unticketed_keys(id)
  local found = {}
  for pseudonym in string.gmatch(redis.call('HGET', keys_of(id).record, 'to') or '', '%S+') do
    found[#found + 1] = unticketed_key(pseudonym)
  end
  return found
end

local function await_ticket(id)
  for _, key in ipairs(unticketed_keys(id)) do
    redis.call('SADD', key, id)
    redis.call('PEXPIRE', key, given.retention_ms)
  end
end

local function await_no_ticket(id)
  for _, key in ipairs(unticketed_keys(id)) do redis.call('SREM', key, id) end
end

local function ticket_key(ticket)
  return prefix .. 'ticket:' .. ticket
end

-- A ticket that was adopted from a callback gives way: what it led to is not believed any more. By now the ticket may lead to the
-- send that it belongs to by the gateway's own word.
local function forget_adopted(id)
  local record_key = keys_of(id).record
  local adopted = ticket_key(redis.call('HGET', record_key, 'ticket'))
  if redis.call('GET', adopted) == id then redis.call('DEL', adopted) end
  redis.call('HDEL', record_key, 'adopted', 'ticket')
end

-- Take back an adoption. The send stays in its state, but nobody knows its ticket.
local function disown(id)
  local keys = keys_of(id)
  local record = read(keys.record, 'ticket', 'members', 'state', 'adopted')
  if not record.adopted then return end
  forget_adopted(id)
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
-- uses: keys record

-- Sends whose acceptance is possible but whose ticket is unknown. They can be found by number, so that the first receipt or reply
-- can supply the ticket. Takes retention_ms from what the script is given.

local function unticketed_key(number)
  return prefix .. 'unticketed:' .. redis.sha1hex(number)
end

local function await_ticket(body, id)
  if not body or body == '' then return end
  for _, recipient in ipairs(cjson.decode(body).recipients) do
    local key = unticketed_key(recipient.phone_number)
    redis.call('SADD', key, id)
    redis.call('PEXPIRE', key, given.retention_ms)
  end
end

local function await_no_ticket(body, id)
  if not body or body == '' then return end
  for _, recipient in ipairs(cjson.decode(body).recipients) do
    redis.call('SREM', unticketed_key(recipient.phone_number), id)
  end
end

local function ticket_key(ticket)
  return prefix .. 'ticket:' .. ticket
end

-- A ticket that was adopted from a callback gives way: what it led to is not believed any more.
local function forget_adopted(record_key)
  local r = read(record_key, 'adopted', 'ticket')
  if not r.adopted then return end
  redis.call('DEL', ticket_key(r.ticket))
  redis.call('HDEL', record_key, 'adopted', 'ticket')
end

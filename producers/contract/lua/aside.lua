-- Sends that wait aside at a gate. A gate keeps some sends and not all: a breaker, or a price that the account cannot pay. A send
-- that meets one stays an entry like any other, among the delayed: its claim looks at the gates again when it is due, so nothing
-- depends on who opens them. A sorted set per gate holds the ids to be given back early.

local function leave_aside(keys, id)
  local record = read(keys.record, 'aside', 'campaign')
  if not record.aside then return end
  redis.call('HDEL', keys.record, 'aside', 'price')
  redis.call('ZREM', prefix .. 'aside:' .. record.aside, id)
  if record.campaign then
    local campaign, field = campaign_key(record.campaign), 'aside:' .. record.aside
    if redis.call('HINCRBY', campaign, field, -1) <= 0 then
      redis.call('HDEL', campaign, field, 'price:' .. record.aside)
    end
  end
end

-- Note that a send waits at a gate. The price is an estimate in the account's currency, or nil; the cheapest are given back
-- first.
local function put_aside(keys, id, gate, price)
  leave_aside(keys, id)
  redis.call('HSET', keys.record, 'aside', gate)
  redis.call('ZADD', prefix .. 'aside:' .. gate, price or 0, id)
  local name = redis.call('HGET', keys.record, 'campaign')
  local campaign = name and campaign_key(name)
  if campaign then redis.call('HINCRBY', campaign, 'aside:' .. gate, 1) end
  if price then
    price = string.format('%.5f', price)
    redis.call('HSET', keys.record, 'price', price)
    if campaign then redis.call('HSET', campaign, 'price:' .. gate, price) end
  end
end
-- uses: keys

-- Receipts that are awaited. `receipts:awaited` counts, by the hour of acceptance, the recipients of whom nothing was heard yet;
-- fields `awaited:<hour>` of a campaign count likewise. The gateway reports on a send whose record has the field `receipts`; where it
-- is to send later, the field says when, and takes the place of the acceptance. Takes retention_ms from what the script is given.

local HOUR_MS = 3600000
local AWAITED = prefix .. 'receipts:awaited'

-- The hour in which a send counts that was accepted at some time.
local function hour_of(record, accepted)
  return string.format('%d', math.floor(math.max(accepted, record.receipts) / HOUR_MS))
end

-- How many recipients are reported on: of those whom the gateway left out nothing comes.
local function reported_on(record)
  return math.min(tonumber(record.recipients or 1), tonumber(record.contacts or math.huge))
end

-- Count recipients in an hour. Hours whose records are gone leave when there are too many.
local function add_awaited(hour, count)
  local most = given.retention_ms / HOUR_MS + 2
  if redis.call('HINCRBY', AWAITED, hour, count) > count or redis.call('HLEN', AWAITED) <= most then return end
  for _, old in ipairs(redis.call('HKEYS', AWAITED)) do
    if tonumber(old) < math.floor((now - given.retention_ms) / HOUR_MS) then redis.call('HDEL', AWAITED, old) end
  end
end

-- Returns how many receipts a send awaits that is accepted now. Takes receipts, recipients, contacts and early of its record.
local function awaited_of(id, record)
  if not record.receipts then return 0 end
  local count = reported_on(record)
  if record.early then
    -- Some came before; they are remembered as long as the record, or they would count twice.
    local deliveries = prefix .. 'deliveries:' .. id
    count = math.max(0, count - redis.call('HLEN', deliveries))
    redis.call('PEXPIRE', deliveries, given.retention_ms)
  end
  return count
end

-- Note that a recipient was heard of for the first time. Takes receipts, recipients, contacts, state, ended of the record.
local function heard(keys, record, campaign, so_far)
  if not record.receipts then return end
  if record.state ~= 'accepted' then
    redis.call('HSET', keys.record, 'early', 1)
    return
  end
  if so_far > reported_on(record) then return end
  local hour = hour_of(record, record.ended)
  if redis.call('HINCRBY', AWAITED, hour, -1) <= 0 then redis.call('HDEL', AWAITED, hour) end
  if campaign then
    local field = 'awaited:' .. hour
    if redis.call('HINCRBY', campaign, field, -1) <= 0 then redis.call('HDEL', campaign, field) end
  end
end
-- uses: clock

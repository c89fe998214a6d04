-- Deliveries: of each recipient of a send the receipt that stands, as 'rank|time|status'. Takes retention_ms from what the script is
-- given.

local function deliveries_key(id)
  return prefix .. 'deliveries:' .. id
end

-- Which of two receipts stands, in whatever order and number they come: the one of higher rank, then the later one, then by name:
-- of equally late final ones DELIVERED before its like, of others what comes after ACK.
local function outdoes(value, known)
  local rank, at, status = string.match(value, '^(%d+)|([^|]*)|(.*)$')
  local rank_before, at_before, status_before = string.match(known, '^(%d+)|([^|]*)|(.*)$')
  if rank ~= rank_before then return tonumber(rank) > tonumber(rank_before) end
  if at ~= at_before then return at > at_before end
  if rank == '0' then return status > status_before end
  return status < status_before
end

local function note_delivery(id, number, value)
  local deliveries = deliveries_key(id)
  local known = redis.call('HGET', deliveries, number)
  if not known or outdoes(value, known) then redis.call('HSET', deliveries, number, value) end
  redis.call('PEXPIRE', deliveries, given.retention_ms)
end

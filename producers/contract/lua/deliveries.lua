-- Deliveries: of each recipient of a send the receipt that stands, as 'rank|time|status'. A receipt gives way only to one that
-- outdoes it. So receipts lead to the same end in whatever order and number they come, and no recipient's state ever goes back. Takes
-- retention_ms from what the script is given.

-- The state of a recipient by the rank of its receipt, from 0; producers/contract/receipts.py has them too, and a test compares.
local STATES = { 'sent', 'sent', 'undelivered', 'delivered', 'delivered' }

local function deliveries_key(id)
  return prefix .. 'deliveries:' .. id
end

local function state_of(value)
  return STATES[string.byte(value) - 47]
end

-- Which of two receipts stands: the one of higher rank, then the later one, then by name: of equally late ones of rank 0 what comes
-- after ACK.
local function outdoes(value, known)
  local rank, at, status = string.match(value, '^(%d+)|([^|]*)|(.*)$')
  local rank_before, at_before, status_before = string.match(known, '^(%d+)|([^|]*)|(.*)$')
  if rank ~= rank_before then return tonumber(rank) > tonumber(rank_before) end
  if at ~= at_before then return at > at_before end
  if rank == '0' then return status > status_before end
  return status < status_before
end

-- Count in the record, and in its campaign, that a recipient comes to another state; before is nil with its first receipt. Returns
-- whether the number is one of its recipients: it is not, if all of them were heard of.
local function count_delivery(id, before, after)
  local keys = keys_of(id)
  local record = read(keys.record, 'state', 'ended', 'recipients', 'contacts', 'receipts', 'campaign')
  -- Nobody counts what became of a send whose record is gone.
  if not record.state then return true end
  local campaign = record.campaign and campaign_key(record.campaign)
  if campaign and redis.call('EXISTS', campaign) == 0 then campaign = nil end
  if not before then
    local so_far = redis.call('HLEN', deliveries_key(id)) + 1
    if so_far > tonumber(record.recipients or 1) then return false end
    heard(keys, record, campaign, so_far)
  end
  if campaign then
    if before then redis.call('HINCRBY', campaign, 'delivery:' .. before, -1) end
    redis.call('HINCRBY', campaign, 'delivery:' .. after, 1)
  end
  return true
end

-- Keep deliveries as long as their record, and no longer: a message that comes later under the same request_id is a new one, of whom
-- nothing was heard. Where the record is gone before its receipts end, they are kept for an hour after the last.
local function keep_deliveries(id)
  local left = redis.call('PTTL', keys_of(id).record)
  if left == -1 then left = given.retention_ms end
  redis.call('PEXPIRE', deliveries_key(id), left > 0 and left or HOUR_MS)
end

-- Note a receipt. Returns the state in which its recipient is now, or nil if there is no such recipient.
local function note_delivery(id, number, value)
  local deliveries = deliveries_key(id)
  local known = redis.call('HGET', deliveries, number)
  local before, after = known and state_of(known), state_of(value)
  if known and not outdoes(value, known) then return before end
  if before ~= after and not count_delivery(id, before, after) then return nil end
  redis.call('HSET', deliveries, number, value)
  if not known then keep_deliveries(id) end
  return after
end
-- uses: keys receipts

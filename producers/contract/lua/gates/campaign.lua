-- A slice of a paused campaign waits in the list of its campaign; a slice of a cancelled campaign ends: it was under way when the
-- campaign was cancelled and came back unsent, or the cancelling was cut short. What may be at the gateway goes on.
local campaign_gate = new_gate('campaign')

-- Put a slice into the list of its campaign. Its window does not run: it was surely not taken, and could not be tried meanwhile.
local function wait_for_campaign(send, campaign)
  local record = send.record
  if record.aside then leave_aside(send.keys, send.id) end
  if record.held then forget_held(send.keys) end
  redis.call('HDEL', send.keys.record, 'first')
  redis.call('RPUSH', waiting_key(campaign), send.id)
  count_metric('paused', 1)
  end_entry(send)
  return { 'paused' }
end

-- What halts a slice that is surely not at the gateway, if anything does.
local function halt_of_slice(record)
  if record.campaign and record.state == 'queued' then return halt_of(campaign_key(record.campaign)) end
end

function campaign_gate.is_shut(send)
  return halt_of_slice(send.record) ~= nil
end

function campaign_gate.keep(send)
  local halt = halt_of_slice(send.record)
  if halt == 'stopped' then
    end_record(send.keys, send.id, 'cancelled')
    return { 'ended', 'cancelled', '' }
  elseif halt == 'paused' then
    return wait_for_campaign(send, campaign_key(send.record.campaign))
  end
end
-- uses: keys aside held campaign record send admission metrics

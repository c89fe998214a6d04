-- A slice of a paused campaign waits in the list of its campaign; a slice of a cancelled campaign ends: it was under way when the
-- campaign was cancelled and came back unsent, or the cancelling was cut short. What may be at the gateway goes on.
local campaign_gate = new_gate('campaign')

function campaign_gate.keep(send)
  local record = send.record
  if not record.campaign or record.state ~= 'queued' then return end
  local campaign = campaign_key(record.campaign)
  local halt = halt_of(campaign)
  if halt == 'stopped' then
    end_record(send.keys, send.id, 'cancelled')
    return { 'ended', 'cancelled', '' }
  elseif halt == 'paused' then
    if record.aside then leave_aside(send.keys, send.id) end
    if record.held then forget_held(send.keys) end
    redis.call('RPUSH', waiting_key(campaign), send.id)
    count_metric('paused', 1)
    end_entry(send)
    return { 'paused' }
  end
end
-- uses: keys aside held campaign record send admission metrics

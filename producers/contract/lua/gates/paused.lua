-- A slice of a campaign that is paused waits in the list of its campaign; one of a campaign that was cancelled ends: it was under
-- way then and came back unsent, or that cancel was cut short. What may be at the gateway already goes on.
GATES[#GATES + 1] = {
  name = 'paused',
  keep = function(send)
    local record = send.record
    if not record.campaign or record.state ~= 'queued' then return end
    local campaign = campaign_key(record.campaign)
    local halted = read(campaign, 'paused', 'stopped')
    if halted.stopped then
      end_record(send.keys, send.id, 'cancelled')
      return { 'ends', 'cancelled', '' }
    elseif halted.paused then
      if record.aside then leave_aside(send.keys, send.id) end
      redis.call('RPUSH', campaign .. ':waiting', send.id)
      return { 'paused' }
    end
  end,
}
-- uses: admission record

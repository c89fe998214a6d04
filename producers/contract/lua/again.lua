-- A parked message leaves once more, because a person decided so.

-- Takes what its record says of it: state, queue, campaign, recipients, and parked, the code under which it is parked.
local function send_again(keys, id, before, body)
  redis.call('HINCRBY', prefix .. 'counts', before.state, -1)
  if before.campaign then
    local campaign = campaign_key(before.campaign)
    redis.call('HINCRBY', campaign, before.state, -tonumber(before.recipients or 1))
    keep_campaign(campaign)
  end
  unpark(keys, id, before.state, before.parked or '')
  redis.call('HSET', keys.record, 'state', 'queued')
  redis.call('HDEL', keys.record, 'ended', 'first', 'doubt', 'used', 'code', 'message', 'ticket', 'adopted', 'ambiguous', 'seldom',
    'due', 'call', 'share')
  redis.call('PERSIST', keys.record)
  redis.call('SET', keys.body, body)
  push(queue_keys(before.queue), id)
end
-- uses: keys queue campaign parked

-- Send a parked message again, because a person decided so.
-- Given: id, states (from which it may be sent again), body (the new one), action (for the audit), by, audit_maxlen
-- Returns 'done'; or why not: 'gone', 'body_lost', or the state of the message. Safe to repeat: a message that was sent again is no
--   longer parked.
-- uses: keys queue campaign audit parked
local keys = keys_of(given.id)
local before = read(keys.record, 'state', 'queue', 'campaign', 'recipients', 'parked')
if not before.state then return 'gone' end
local may = false
for _, state in ipairs(given.states) do may = may or state == before.state end
if not may then return before.state end
if redis.call('EXISTS', keys.body) == 0 then return 'body_lost' end

redis.call('HINCRBY', prefix .. 'counts', before.state, -1)
if before.campaign then
  local campaign = campaign_key(before.campaign)
  redis.call('HINCRBY', campaign, before.state, -tonumber(before.recipients or 1))
  keep_campaign(campaign)
end
unpark(keys, given.id, before.state, before.parked or '')
redis.call('HSET', keys.record, 'state', 'queued')
redis.call('HDEL', keys.record, 'ended', 'first', 'doubt', 'used', 'code', 'message', 'ticket', 'adopted', 'ambiguous', 'seldom',
  'due', 'call', 'share')
redis.call('PERSIST', keys.record)
redis.call('SET', keys.body, given.body)
push(queue_keys(before.queue), given.id)
audit(given.action, 'request_id', given.id, 'before', before.state, 'after', 'queued')
return 'done'

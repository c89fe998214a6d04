-- Send a parked message again, because a person decided so.
-- KEYS: the transition keys; ready, wake, audit
-- ARGV: request_id, states allowed (comma-separated), new body, who, audit maxlen, action
-- Returns 'done', or the state the record is in ('gone' without one) when that is not allowed.
-- Safe to repeat: a reopened record is no longer parked.
local keys = transition_keys()
local state = redis.call('HGET', keys.record, 'state')
if not state then return 'gone' end
if not string.find(',' .. ARGV[2] .. ',', ',' .. state .. ',', 1, true) then return state end
if redis.call('EXISTS', keys.body) == 0 then return 'body_lost' end
redis.call('HINCRBY', keys.counts, state, -1)
local r = redis.call('HMGET', keys.record, 'campaign', 'recipients')
if r[1] then
  redis.call('HINCRBY', keys.prefix .. 'campaign:' .. r[1], state, -tonumber(r[2] or 1))
  keep_campaign(keys.prefix .. 'campaign:' .. r[1])
end
redis.call('ZREM', keys.parked, ARGV[1])
redis.call('HSET', keys.record, 'state', 'queued')
redis.call('HDEL', keys.record, 'ended', 'first', 'doubt', 'used', 'code', 'message', 'ticket', 'adopted',
  'ambiguous', 'seldom', 'due', 'call', 'share')
redis.call('PERSIST', keys.record)
redis.call('SET', keys.body, ARGV[3])
push(KEYS[6], KEYS[7], ARGV[1])
redis.call('XADD', KEYS[8], 'MAXLEN', '~', ARGV[5], '*', 'v', '1', 'action', ARGV[6], 'request_id', ARGV[1],
  'before', state, 'after', 'queued', 'by', ARGV[4], 'at', stamp(now_ms()))
return 'done'

-- Call an unknown send accepted, because a person found out that it was.
-- KEYS: the transition keys; audit
-- ARGV: request_id, retention ms, statuses maxlen, who, audit maxlen
-- Returns 'done', or the state the record is in ('gone' without one) when that is not unknown.
-- Safe to repeat.
local keys = transition_keys()
local state = redis.call('HGET', keys.record, 'state')
if state ~= 'unknown' then return state or 'gone' end
local now = now_ms()
end_record(keys, 'accepted', ARGV[1], tonumber(ARGV[2]), ARGV[3], now)
redis.call('XADD', KEYS[6], 'MAXLEN', '~', ARGV[5], '*', 'v', '1', 'action', 'resolve', 'request_id', ARGV[1],
  'before', state, 'after', 'accepted', 'by', ARGV[4], 'at', stamp(now))
return 'done'

-- Cancel a send whose attempt has not started.
-- KEYS: the transition keys; alert delayed, envelopes; marketing delayed, envelopes
-- ARGV: request_id, retention ms, statuses maxlen
-- Returns 'cancelled' | 'too_late' | 'unknown_id'. Safe to repeat: cancelled stays cancelled.
local keys = transition_keys()
local r = redis.call('HMGET', keys.record, 'state', 'call')
local state = r[1]
if not state then return 'unknown_id' end
if state == 'cancelled' then return 'cancelled' end
if state ~= 'queued' then return 'too_late' end
-- Whoever shares a call can leave it as long as the call itself waits; it is frozen anew then.
if r[2] then
  local call = keys.prefix .. 'record:' .. r[2]
  if redis.call('HGET', call, 'state') ~= 'queued' then return 'too_late' end
  redis.call('HDEL', call, 'composed')
end
for i = 6, 8, 2 do
  if redis.call('ZREM', KEYS[i], ARGV[1]) == 1 then redis.call('HDEL', KEYS[i + 1], ARGV[1]) end
end
end_record(keys, 'cancelled', ARGV[1], ARGV[2], ARGV[3], now_ms())
return 'cancelled'

-- Cancel a send whose attempt has not started.
-- KEYS: record, body, statuses, alert delayed, marketing delayed
-- ARGV: request_id, retention ms, statuses maxlen
-- Returns 'cancelled' | 'too_late' | 'unknown_id'. Safe to repeat: cancelled stays cancelled.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return 'unknown_id' end
if state == 'cancelled' then return 'cancelled' end
if state ~= 'queued' then return 'too_late' end
redis.call('ZREM', KEYS[4], ARGV[1])
redis.call('ZREM', KEYS[5], ARGV[1])
end_record(KEYS[1], KEYS[2], KEYS[3], 'cancelled', ARGV[1], ARGV[2], ARGV[3], now_ms())
return 'cancelled'

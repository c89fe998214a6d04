-- Bring the end of a shared call to some of its members; with the last of them, end its queue entry.
-- KEYS: leases, envelopes, ready, wake
-- ARGV: retention ms, statuses maxlen, key prefix, call id, lease of its entry or '' when more members follow; then
--       the members' request_ids. Their keys are derived from the prefix.
-- Returns how many members were told. Safe to repeat.
local leases, envelopes, ready, wake_key = unpack(KEYS)
local retention, maxlen, prefix, call = tonumber(ARGV[1]), ARGV[2], ARGV[3], ARGV[4]
local now, facts = now_ms(), call_facts(prefix .. 'record:' .. call)
if facts.state then
  end_members(prefix, call, facts, { unpack(ARGV, 6) }, retention, maxlen, now)
end
if ARGV[5] ~= '' then redis.call('SREM', ending_of(leases), ARGV[5]) end
if ARGV[5] ~= '' and redis.call('ZREM', leases, ARGV[5]) == 1 then
  redis.call('HDEL', envelopes, call)
  if redis.call('EXISTS', ready) == 1 then wake(wake_key) end
end
return #ARGV - 5

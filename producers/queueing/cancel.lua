-- Cancel a message that is in no attempt and in no doubt: none has begun, or the last one was surely not taken.
-- Given: id, retention_ms, maxlen
-- Returns 'cancelled' | 'too_late' | 'unknown_id'. Safe to repeat: cancelled stays cancelled.
-- This script and claim.lua race by the field state: whichever runs first wins. An entry that is ready, leased or gathering may
-- stay: its claim finds the end at the gate `ended`. A delayed entry goes at once, since it might lie there for days.
-- uses: keys queue record
local keys = keys_of(given.id)
local send = read(keys.record, 'state', 'queue', 'call')
if not send.state then return 'unknown_id' end
if send.state == 'cancelled' then return 'cancelled' end
if send.state ~= 'queued' then return 'too_late' end
-- A message that shares a call can leave the call as long as the call itself waits. The body of the call is then made anew.
if send.call then
  local call = keys_of(send.call).record
  if redis.call('HGET', call, 'state') ~= 'queued' then return 'too_late' end
  redis.call('HDEL', call, 'composed')
end
local queue = queue_keys(send.queue)
if redis.call('ZREM', queue.delayed, given.id) == 1 then redis.call('HDEL', queue.envelopes, given.id) end
end_record(keys, given.id, 'cancelled')
return 'cancelled'

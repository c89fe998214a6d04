-- Cancel a message that is in no attempt and in no doubt: none has begun, or the last one was surely not taken.
-- Given: id, retention_ms, maxlen
-- Returns 'cancelled' | 'too_late' | 'unknown_id'. Safe to repeat: cancelled stays cancelled.
-- This script and claim.lua race by the field state: whichever runs first wins.
-- uses: keys cancelling
local keys = keys_of(given.id)
local send = read(keys.record, 'state', 'queue', 'call')
if not send.state then return 'unknown_id' end
if send.state == 'cancelled' then return 'cancelled' end
return cancel_waiting(keys, given.id, send) and 'cancelled' or 'too_late'

-- Take over the next entry that a consumer has held for too long, be it this consumer itself.
-- Given: stream, group, consumer, idle_ms, from (where to look on, '-' to begin a round)
-- Returns where to look on ('' at the end of a round); then, if there was an entry: its id, fields, deliveries. Safe to repeat: an
--   entry just taken is not idle.
-- uses:
local stream = prefix .. given.stream
local pending = redis.call('XPENDING', stream, given.group, 'IDLE', given.idle_ms, given.from, '+', 1)[1]
if not pending then return { '' } end
local id, _, _, deliveries = unpack(pending)
local entry = redis.call('XCLAIM', stream, given.group, given.consumer, given.idle_ms, id)[1]
if entry and entry[2] then return { '(' .. id, id, entry[2], deliveries + 1 } end
-- Trimming has deleted the entry; older servers leave its end to us.
redis.call('XACK', stream, given.group, id)
return { '(' .. id }

-- Take over the next entry that a consumer has held for too long, be it our own.
-- KEYS: stream
-- ARGV: group, consumer, idle ms, where to look on ('-' to begin a round)
-- Returns where to look on ('' at the end of a round); then, if there was one: entry id, fields, deliveries
-- Safe to repeat: an entry just taken is not idle.
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], 'IDLE', ARGV[3], ARGV[4], '+', 1)[1]
if not pending then return { '' } end
local id = pending[1]
local entry = redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], id)[1]
if entry and entry[2] then return { '(' .. id, id, entry[2], pending[4] + 1 } end
-- Trimming has deleted it; older servers leave that to us.
redis.call('XACK', KEYS[1], ARGV[1], id)
return { '(' .. id }

-- Take over one entry that its consumer has held for too long; also one of our own.
-- KEYS: stream
-- ARGV: group, consumer, idle ms, cursor
-- Returns next cursor ('0-0' at the end of a round); then, if there was one: entry id, fields, deliveries
-- Safe to repeat: an entry just taken is not idle.
local reply = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', 1)
local entry = reply[2][1]
if not entry then return { reply[1] } end
-- Servers before version 7 hand out what trimming has deleted; later ones drop it themselves.
if not entry[2] then
  redis.call('XACK', KEYS[1], ARGV[1], entry[1])
  return { reply[1] }
end
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], entry[1], entry[1], 1)
return { reply[1], entry[1], entry[2], pending[1][4] }

-- Move one entry that a group cannot handle to the group's poison stream.
-- KEYS: stream, poison
-- ARGV: group, entry id, deliveries, poison maxlen, then the entry's fields
-- Returns 1, or 0 if the entry was no longer pending. Safe to repeat: only the first call moves it.
if redis.call('XACK', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
local fields = { unpack(ARGV, 5) }
fields[#fields + 1] = 'entry_id'
fields[#fields + 1] = ARGV[2]
fields[#fields + 1] = 'deliveries'
fields[#fields + 1] = ARGV[3]
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', unpack(fields))
return 1

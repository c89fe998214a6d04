-- Give up one entry that a group cannot handle: move it to the group's poison stream.
-- Given: stream, group, id, deliveries, fields (names and values by turns), maxlen
-- Returns 1, or 0 if the entry was no longer pending. Safe to repeat: only the first call moves the entry.
-- uses:
local stream, fields = prefix .. given.stream, given.fields
if redis.call('XACK', stream, given.group, given.id) == 0 then return 0 end
for _, part in ipairs({ 'entry_id', given.id, 'deliveries', given.deliveries }) do fields[#fields + 1] = part end
redis.call('XADD', stream .. ':poison:' .. given.group, 'MAXLEN', '~', given.maxlen, '*', unpack(fields))
return 1

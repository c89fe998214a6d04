-- Drop the oldest entries of a stream, if they are older than entries are kept.
-- Given: stream, keep_ms (how long entries are kept), most (entries in one step)
-- Returns how many entries were dropped; how many of them no group had been given, or not every group; and of a stream whose entries
--   are turns of conversations, numbers and turns by turns, as publish.lua does. Safe to repeat.
-- uses: clock streams
local stream = given.stream
local key = prefix .. stream
if redis.call('EXISTS', key) == 0 then return { 0, 0, {} } end
-- An id without its second part means the first of its millisecond.
local entries = redis.call('XRANGE', key, '-', string.format('(%d-0', math.max(0, now - given.keep_ms)), 'COUNT', given.most)
if #entries == 0 then return { 0, 0, {} } end
local ids = {}
for i, entry in ipairs(entries) do ids[i] = entry[1] end
count_unread(stream, ids)
if TURN_OF[stream] then unlist(stream, entries) end
redis.call('XDEL', key, unpack(ids))
forget_foreign_up_to(stream, ids[#ids])
count_replies()
return { #ids, tell_unread(stream), gone }

-- Read entries of a stream behind a place, and how many the stream has had, in one step: else what is trimmed between the two looks lost.
-- Given: stream, after (an entry id, or '' for the beginning), most (how many)
-- Returns nil if there is no stream; else entries, how many were ever added, how many are there, the last id that was given, the first
--   id that is there ('' for none). Safe to repeat.
-- uses:
local stream = prefix .. given.stream
if redis.call('EXISTS', stream) == 0 then return false end
local entries = redis.call('XRANGE', stream, given.after == '' and '-' or '(' .. given.after, '+', 'COUNT', given.most)
local facts, found = {}, redis.call('XINFO', 'STREAM', stream)
for i = 1, #found, 2 do facts[found[i]] = found[i + 1] end
local first = facts['first-entry']
return { entries, facts['entries-added'], facts.length, facts['last-generated-id'], first and first[1] or '' }

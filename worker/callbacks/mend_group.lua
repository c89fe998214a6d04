-- Count what a group of a stream was not given yet, in bounded steps, and correct how many entries Redis takes it to have been given.
-- Given: stream, group, delivered (the last entry that the group was given as the count began), after (the entry up to which was counted,
--   at first the same), counted (entries so far), most (entries in one step)
-- Returns the entry up to which was counted, or an empty string if the count is over; entries so far; and 1 if Redis was corrected. Safe to
--   repeat: a count whose group has gone, or was given more meanwhile, is over and corrects nothing.
-- uses:
local key = prefix .. given.stream
local delivered, lag
for _, told in ipairs(redis.call('XINFO', 'GROUPS', key)) do
  local group = {}
  for i = 1, #told, 2 do group[told[i]] = told[i + 1] end
  if group.name == given.group then delivered, lag = group['last-delivered-id'], group.lag end
end
if delivered ~= given.delivered then return { '', given.counted, 0 } end
local entries = redis.call('XRANGE', key, '(' .. given.after, '+', 'COUNT', given.most)
local behind = given.counted + #entries
if #entries == given.most then return { entries[#entries][1], behind, 0 } end
if lag == behind then return { '', behind, 0 } end
local stream, told = {}, redis.call('XINFO', 'STREAM', key)
for i = 1, #told, 2 do stream[told[i]] = told[i + 1] end
-- The same entry as before: nothing is given twice, and nothing is passed over.
redis.call('XGROUP', 'SETID', key, given.group, delivered, 'ENTRIESREAD', math.max(0, stream['entries-added'] - behind))
return { '', behind, 1 }

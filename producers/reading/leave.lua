-- Acknowledge what was handled, and take the consumer off the group unless it still holds entries.
-- Given: stream, group, consumer, done (ids of handled entries)
-- Returns 1 if the consumer is gone, else 0. Safe to repeat.
-- uses:
local stream = prefix .. given.stream
for _, id in ipairs(given.done) do redis.call('XACK', stream, given.group, id) end
if redis.call('EXISTS', stream) == 0 then return 1 end
if #redis.call('XPENDING', stream, given.group, '-', '+', 1, given.consumer) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', stream, given.group, given.consumer)
return 1

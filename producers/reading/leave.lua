-- Acknowledge what was handled, and take the consumer off the group unless it still holds entries.
-- KEYS: stream
-- ARGV: group, consumer, then ids of handled entries
-- Returns 1 if the consumer is gone, else 0. Safe to repeat.
for i = 3, #ARGV do redis.call('XACK', KEYS[1], ARGV[1], ARGV[i]) end
if redis.call('EXISTS', KEYS[1]) == 0 then return 1 end
if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) > 0 then return 0 end
redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
return 1

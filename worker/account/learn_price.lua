-- Learn from a message that was accepted what one segment of its tariff costs now.
-- KEYS: prices
-- ARGV: key prefix, id, cost of all its segments. The keys of the send are derived; its body must still be there.
-- Returns 1 when something was learnt. Safe to repeat.
local keys = keys_of(ARGV[1], ARGV[2])
local body = redis.call('GET', keys.body)
if not body then return 0 end
local tariff, segments = price_of(keys, body)
if segments < 1 or tonumber(ARGV[3]) <= 0 then return 0 end
redis.call('HSET', KEYS[1], tariff, string.format('%.6f', tonumber(ARGV[3]) / segments))
return 1

-- Learn from a message that was accepted what one segment of its tariff costs now. The body of the message must still be there.
-- Given: id, cost (of all its segments)
-- Returns 1 when a price was learnt, else 0. Safe to repeat.
-- uses: keys prices
local keys, cost = keys_of(given.id), tonumber(given.cost)
local body = redis.call('GET', keys.body)
if not body then return 0 end
local tariff, segments = price_of(keys, body)
if segments < 1 or cost <= 0 then return 0 end
redis.call('HSET', prefix .. 'prices', tariff, string.format('%.6f', cost / segments))
return 1

-- Learn from a message that was accepted what one segment of its tariff costs. The body of the message must still be there.
-- Given: id, cost (of all its segments)
-- Returns 1 when a price was learnt, else 0. Not safe to repeat, and no harm: a price would count twice in the median of the last ones.
-- The price that counts is that of an operator, or the median of what the last answers named: one odd answer moves nothing. What was
-- inferred from the balance is forgotten.
-- uses: keys prices
local LATELY = 50
local keys, cost = keys_of(given.id), tonumber(given.cost)
local body = redis.call('GET', keys.body)
if not body then return 0 end
local tariff, segments = price_of(keys, body)
if segments < 1 or cost <= 0 then return 0 end
local lately = prefix .. 'prices:lately:' .. tariff
redis.call('LPUSH', lately, string.format('%.6f', cost / segments))
redis.call('LTRIM', lately, 0, LATELY - 1)
local found = {}
for i, price in ipairs(redis.call('LRANGE', lately, 0, -1)) do found[i] = tonumber(price) end
table.sort(found)
local median = string.format('%.6f', found[math.ceil(#found / 2)])
redis.call('HSET', prefix .. 'prices', tariff, redis.call('HGET', prefix .. 'prices_set', tariff) or median)
redis.call('HDEL', prefix .. 'prices_inferred', tariff)
return 1

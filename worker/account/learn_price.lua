-- Learn from a message that was accepted what one segment of its tariff costs. The body of the message must still be there.
-- Given: id, cost (of all its segments)
-- Returns 1 when a price was learnt, else 0. Not safe to repeat, and no harm: a price would count twice in the median of the last ones.
-- The price that counts is that of an operator, or the median of what the last answers named. What was inferred from the balance is
-- forgotten.
-- uses: keys prices answered_prices
local LATELY = 50
local keys, cost = keys_of(given.id), tonumber(given.cost)
local body = redis.call('GET', keys.body)
if not body then return 0 end
local tariff, segments = price_of(keys, body)
-- What replies cost, and the look at the blacklist, is no part of the price: estimates add it.
cost = cost - cost_besides(body, segments) / 1000000
-- Less than a millionth is what rounding has left. As a price it would be nothing, and no budget would keep what costs nothing.
if segments < 1 or cost / segments < 0.000001 then return 0 end
redis.call('LPUSH', answered_key(tariff), string.format('%.6f', cost / segments))
redis.call('LTRIM', answered_key(tariff), 0, LATELY - 1)
redis.call('HSET', prefix .. 'prices', tariff, redis.call('HGET', prefix .. 'prices_set', tariff) or median_price(tariff))
redis.call('HDEL', prefix .. 'prices_inferred', tariff)
return 1

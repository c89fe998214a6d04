-- Set what a segment of a tariff costs, because an operator said so; or let the last answers say it again.
-- Given: tariff, price ('default' for what was learnt), by, audit_maxlen
-- Returns 1. Safe to repeat: each time appends an audit entry.
-- uses: audit answered_prices
local prices, set = prefix .. 'prices', prefix .. 'prices_set'
if given.price == 'default' then
  redis.call('HDEL', set, given.tariff)
  -- Without an answer it is what was inferred from the balance.
  local learnt = median_price(given.tariff) or redis.call('HGET', prefix .. 'prices_inferred', given.tariff)
  if learnt then
    redis.call('HSET', prices, given.tariff, learnt)
  else
    redis.call('HDEL', prices, given.tariff)
  end
else
  redis.call('HSET', set, given.tariff, given.price)
  redis.call('HSET', prices, given.tariff, given.price)
end
audit('price', 'tariff', given.tariff, 'price', given.price)
return 1

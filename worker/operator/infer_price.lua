-- Note what a segment of a tariff costs at most, by the balance. It counts where neither an operator nor an answer has named a price.
-- Given: tariff, price, by, audit_maxlen
-- Returns whose price counts: 'balance', 'operator' or 'answer'. Safe to repeat: each time appends an audit entry.
-- uses: audit answered_prices
local whose = redis.call('HEXISTS', prefix .. 'prices_set', given.tariff) == 1 and 'operator'
  or redis.call('EXISTS', answered_key(given.tariff)) == 1 and 'answer' or 'balance'
-- Once an answer has named a price an inferred one is worth nothing any more.
if whose ~= 'answer' then redis.call('HSET', prefix .. 'prices_inferred', given.tariff, given.price) end
if whose == 'balance' then redis.call('HSET', prefix .. 'prices', given.tariff, given.price) end
audit('infer_price', 'tariff', given.tariff, 'price', given.price)
return whose

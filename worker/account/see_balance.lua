-- Judge by the balance what waits aside because the account could not pay it.
-- Given: balance, credit_low, maxlen, tried_anyway_ms (after so long a tariff is tried again although nothing speaks for it, after
--   twice as long the next time), tried_anyway_longest_ms
-- Returns up to which price to give back ('' for nothing, '+inf' for all), and '1' when this is the first balance seen, else '0'.
--   Safe to repeat.
-- A tariff whose price is known opens as far as the balance reaches. A tariff without a price is tried again when the balance has
-- risen. Estimates may be wrong, and a balance may have risen before it was seen first: now and then a tariff is tried whatever they
-- say, soon at first, then ever later.
-- uses: keys clock aside prices credit
local gates, aside, balance = prefix .. 'gates', prefix .. 'aside:credit', given.balance
note_credit(string.format('%.5f', balance))
local known = redis.call('HGET', gates, 'credit')
if not known then return { '', '0' } end
local gate = cjson.decode(known)
local first = gate.balance == nil
if redis.call('ZCARD', aside) == 0 then
  redis.call('HDEL', gates, 'credit')
  redis.call('DEL', prefix .. 'credit')
  return { '', first and '1' or '0' }
end
-- A send whose price nobody knew may have one by now.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', aside, 0, 0, 'LIMIT', 0, 100)) do
  local keys = keys_of(id)
  local _, _, price = price_of(keys, redis.call('GET', keys.body) or '')
  if price then put_aside(keys, id, 'credit', price) end
end
local up_to = ''
gate.patience = gate.patience or {}
for tariff, floor in pairs(gate.floors) do
  local each = tonumber(redis.call('HGET', prefix .. 'prices', tariff) or nil)
  local paid = each and math.floor(balance / each + 1e-6) + 1 or 0
  local patience = gate.patience[tariff] or given.tried_anyway_ms
  if now - floor.at >= patience then
    gate.patience[tariff] = math.min(2 * patience, given.tried_anyway_longest_ms)
    gate.floors[tariff], up_to = nil, '+inf'
  elseif paid > floor.segments then
    gate.floors[tariff].segments = paid
    if up_to == '' then up_to = string.format('%.17g', balance) end
  elseif not each and not first and balance > gate.balance then
    gate.floors[tariff] = nil
    if up_to == '' then up_to = string.format('%.17g', balance) end
  end
end
gate.balance = balance
redis.call('HSET', gates, 'credit', cjson.encode(gate))
return { up_to, first and '1' or '0' }

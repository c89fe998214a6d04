-- Judge by the balance what waits aside because it could not be paid.
-- KEYS: gates, prices, credit, aside of that gate
-- ARGV: balance, ms after which a tariff is tried again although nothing speaks for it
-- Returns up to which price to give back ('' for nothing, '+inf' for all), and '1' when this is the first balance seen.
-- Safe to repeat. A tariff whose price is known opens as far as the balance reaches; one without is tried again when
-- there is more than before. Estimates may be wrong: once in a while a tariff is tried whatever they say.
local gates, prices, credit, aside = unpack(KEYS)
local balance, long = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()
local known = redis.call('HGET', gates, 'credit')
if not known then return { '', '0' } end
local gate = cjson.decode(known)
local first = gate.balance == nil
if redis.call('ZCARD', aside) == 0 then
  redis.call('HDEL', gates, 'credit')
  redis.call('DEL', credit)
  return { '', first and '1' or '0' }
end
-- What nobody knew the price of may have one by now.
for _, id in ipairs(redis.call('ZRANGEBYSCORE', aside, 0, 0, 'LIMIT', 0, 100)) do
  local keys = keys_of((string.gsub(gates, 'gates$', '')), id)
  local _, _, price = price_of(keys, redis.call('GET', keys.body) or '')
  if price then put_aside(keys, id, 'credit', price) end
end
local upto = ''
for tariff, floor in pairs(gate.floors) do
  local each = tonumber(redis.call('HGET', prices, tariff) or nil)
  local paid = each and math.floor(balance / each + 1e-6) + 1 or 0
  if now - floor.at >= long then
    gate.floors[tariff], upto = nil, '+inf'
  elseif paid > floor.segments then
    gate.floors[tariff].segments = paid
    if upto == '' then upto = ARGV[1] end
  elseif not each and not first and balance > gate.balance then
    gate.floors[tariff] = nil
    if upto == '' then upto = ARGV[1] end
  end
end
gate.balance = balance
redis.call('HSET', gates, 'credit', cjson.encode(gate))
return { upto, first and '1' or '0' }

-- What messages may cost that are about to be queued. Takes money (tariffs of all messages; unknown: micro-euros of a segment whose
-- price nobody knows, none to refuse it; dues: what messages may cost, each once) from what the script is given; without money nothing
-- is estimated.

-- Micro-euros of a segment by tariff.
local segment_prices = {}

-- Learn the prices of all tariffs. Returns the first that has none, if such are to be refused.
local function learn_tariffs()
  local tariffs = given.money and given.money.tariffs or {}
  local prices = #tariffs > 0 and redis.call('HMGET', prefix .. 'prices', unpack(tariffs)) or {}
  for i, tariff in ipairs(tariffs) do
    local known = tonumber(prices[i] or nil)
    segment_prices[tariff] = known and math.floor(known * 1000000 + 0.5) or given.money.unknown
    if not segment_prices[tariff] then return tariff end
  end
end

-- What a message may cost whose dues have this place. Dues are what it costs beside its segments, in micro-euros, and then tariffs and
-- segments by turns. Most messages of a script have the same.
local estimates = {}
local function estimate_from(place)
  if not estimates[place] then
    local dues = given.money.dues[place]
    local sum = dues[1]
    for i = 2, #dues, 2 do sum = sum + segment_prices[dues[i]] * dues[i + 1] end
    estimates[place] = sum
  end
  return estimates[place]
end

-- What a segment of a tariff costs by the gateway's last answers, the newest first.

local function answered_key(tariff)
  return prefix .. 'prices:lately:' .. tariff
end

-- The median of the last answers: one odd answer moves nothing. Nil without an answer.
local function median_price(tariff)
  local found = {}
  for i, price in ipairs(redis.call('LRANGE', answered_key(tariff), 0, -1)) do found[i] = tonumber(price) end
  table.sort(found)
  return #found > 0 and string.format('%.6f', found[math.ceil(#found / 2)]) or nil
end

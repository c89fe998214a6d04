-- What a send costs.

-- Country codes have one digit, two if they are listed here, else three.
local TWO_DIGITS = ' 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66'
  .. ' 81 82 84 86 90 91 92 93 94 95 98 '

-- The tariff of a body: what decides the price of a segment, as far as the body tells, the type and the country code of its
-- recipients.
local function tariff_of(body)
  local country
  for digits in string.gmatch(body, '"phone_number":"%+(%d%d%d)') do
    local first, two = string.sub(digits, 1, 1), string.sub(digits, 1, 2)
    local code = (first == '1' or first == '7') and first
      or string.find(TWO_DIGITS, ' ' .. two .. ' ', 1, true) and two or digits
    if country and country ~= code then
      country = 'several'
      break
    end
    country = code
  end
  return (string.match(body, '"type":"([^"]*)"') or '') .. ':' .. (country or '')
end

-- Micro-euros of a segment that can be answered, and of a call that drops blocked numbers: as producers/messages/dues.py has them.
local ANSWERABLE, BLACKLIST_LOOK = 30000, 10000

-- What a body costs beside its segments, in micro-euros.
local function cost_besides(body, segments)
  local replies = string.find(body, '"with_replies":true', 1, true) and ANSWERABLE * segments or 0
  return replies + (string.find(body, '"auto_remove_blacklisted_numbers":true', 1, true) and BLACKLIST_LOOK or 0)
end

-- Returns the tariff of a send, its segments over all recipients, and what these cost lately, or nil.
local function price_of(keys, body)
  local record = read(keys.record, 'weight', 'segments')
  local tariff, segments = tariff_of(body), tonumber(record.weight or record.segments or 1)
  local each = tonumber(redis.call('HGET', prefix .. 'prices', tariff) or nil)
  return tariff, segments, each and each * segments
end

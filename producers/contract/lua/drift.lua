-- Whether estimates are right: what was estimated and what was booked, of the sends since the last look. Takes maxlen from what the
-- script is given.

-- A look takes so many sends, and so many percent between the two are told.
local LOOK, TOLD_PERCENT = 100, 5

-- Write down what this script has settled, and tell a drift.
local function note_drift()
  if compared.count == 0 then return end
  local key = prefix .. 'drift'
  local d = read(key, 'count', 'estimated', 'booked')
  local count = tonumber(d.count or 0) + compared.count
  local estimated, booked = tonumber(d.estimated or 0) + compared.estimated, tonumber(d.booked or 0) + compared.booked
  if count < LOOK then
    redis.call('HSET', key, 'count', count, 'estimated', whole(estimated), 'booked', whole(booked))
    return
  end
  local percent = (booked - estimated) * 100 / estimated
  redis.call('HSET', key, 'count', 0, 'estimated', 0, 'booked', 0, 'percent', string.format('%.2f', percent), 'at', now)
  if math.abs(percent) > TOLD_PERCENT then
    alarm('price_drift', 'account', math.floor(math.abs(percent)), in_euros(booked), in_euros(estimated))
  end
end
-- uses: clock spending alarms

-- What is left on the account, as far as the gateway has said. Takes credit_low (euros below which somebody is told, 0 for none) and
-- maxlen from what the script is given.

-- Note what is left, and tell once when it comes to be little.
local function note_credit(amount)
  local key, left, least = prefix .. 'credit_seen', tonumber(amount), given.credit_low
  local was_low = redis.call('HGET', key, 'low')
  redis.call('HSET', key, 'amount', amount, 'at', now)
  if least > 0 and left and left < least then
    if was_low then return end
    redis.call('HSET', key, 'low', 1)
    alarm('credit_low', 'account', '', string.format('%.6f', left), string.format('%.6f', least))
  elseif was_low then
    redis.call('HDEL', key, 'low')
  end
end
-- uses: clock alarms

-- What is left on the account, as far as the gateway has said.

local function note_credit(amount)
  redis.call('HSET', prefix .. 'credit_seen', 'amount', amount, 'at', now)
end
-- uses: clock

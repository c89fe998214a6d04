-- Note that callbacks wait from now on for the sends that they may belong to.
-- Given: callbacks (ids)
-- Returns how many are still there: one that another worker has processed meanwhile does not come back. Safe to repeat: they wait
--   anew.
-- uses: clock
local waiting = 0
for _, id in ipairs(given.callbacks) do
  local callback = prefix .. 'callback:' .. id
  if redis.call('EXISTS', callback) == 1 then
    redis.call('HSET', callback, 'looked', now)
    waiting = waiting + 1
  end
end
return waiting

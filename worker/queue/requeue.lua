-- Give leased entries back to the front of their queue, in order.
-- KEYS: leases, ready, wake
-- ARGV: leases
-- Returns how many went back; entries whose lease was no longer ours are left alone.
local leases, ready, wake_key = unpack(KEYS)
local count = 0
for i = #ARGV, 1, -1 do
  if redis.call('ZREM', leases, ARGV[i]) == 1 then
    redis.call('LPUSH', ready, string.match(ARGV[i], '^[^:]*:(.*)$'))
    count = count + 1
  end
end
if count > 0 then wake(wake_key) end
return count

-- Push out the deadlines of leases that their holder still holds.
-- KEYS: sorted sets of leases
-- ARGV: lease ms, then per key: number of members, members
-- Returns how many were still there.
local deadline = now_ms() + ARGV[1]
local position, held = 2, 0
for _, key in ipairs(KEYS) do
  local count = tonumber(ARGV[position])
  for i = position + 1, position + count do
    if redis.call('ZSCORE', key, ARGV[i]) then
      redis.call('ZADD', key, 'XX', deadline, ARGV[i])
      held = held + 1
    end
  end
  position = position + count + 1
end
return held

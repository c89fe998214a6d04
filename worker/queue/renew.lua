-- Push out the deadlines of leases that their holder still holds, and see to the leases of those who are gone: when all
-- places of all processes are taken nobody fetches.
-- KEYS: sorted sets of leases; the other keys of a queue, and the leases of all attempts, are derived
-- ARGV: lease ms, then per key: number of members, members
-- Returns how many were still there. Safe to repeat.
local lease, now = tonumber(ARGV[1]), now_ms()
local position, held = 2, 0
for _, key in ipairs(KEYS) do
  local count = tonumber(ARGV[position])
  for i = position + 1, position + count do
    if redis.call('ZSCORE', key, ARGV[i]) then
      redis.call('ZADD', key, 'XX', now + lease, ARGV[i])
      held = held + 1
    end
  end
  position = position + count + 1
end
for _, key in ipairs(KEYS) do
  local queue = string.match(key, '^(.*):leases$')
  if queue then tend(queue, key, queue .. ':wake', queue .. ':heard', queue .. ':back', lease, now) end
end
clamp(string.match(KEYS[1], '^{[^}]*}:') .. 'attempt_leases', lease, now)
return held

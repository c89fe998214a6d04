-- Push out the deadlines of leases that their holder still has, and see to the leases of those who are gone: when all places of
-- all processes are taken, nobody fetches.
-- Given: lease_ms, queues (by name, the leases on entries), attempts (the leases on attempts)
-- Returns how many were still there. Safe to repeat.
-- uses: clock queue leases
local renewed = 0
local function renew(key, leases)
  for _, lease in ipairs(leases) do
    if redis.call('ZSCORE', key, lease) then
      redis.call('ZADD', key, 'XX', now + given.lease_ms, lease)
      renewed = renewed + 1
    end
  end
end

local attempts = prefix .. 'attempt_leases'
renew(attempts, given.attempts)
for name, leases in pairs(given.queues) do renew(queue_keys(name).leases, leases) end
for name in pairs(given.queues) do tend(queue_keys(name), given.lease_ms) end
clamp(attempts, given.lease_ms)
return renewed

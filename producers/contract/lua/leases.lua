-- Leases on queue entries: who has one, and what becomes of those that have run out.

-- Entries of a queue that are leased and count as calls in flight. A shared call that is back and only tells its members what
-- became of it is leased, but is no longer in flight.
local function at_work(queue)
  return redis.call('ZCARD', queue.leases) - redis.call('SCARD', queue.ending)
end

-- Move deadlines that are further ahead than their holder may set them: they were set before the clock went back.
local function clamp(leases_key, longest)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases_key, '(' .. now + longest, '+inf', 'LIMIT', 0, 1000)) do
    redis.call('ZADD', leases_key, 'XX', now + longest, member)
  end
end

-- See to the leases of a queue: entries whose lease has run out go back to the front. Any fetch does so, and the renewals of
-- a process that has no room to fetch.
local function tend(queue, lease_ms)
  local last = tonumber(redis.call('GET', queue.heard) or now)
  redis.call('SET', queue.heard, now)
  -- When nobody was heard for a while, Redis itself was away or its clock leapt, and leases ran out that their living holders
  -- could not renew. Those get the time to do so before anything is taken from them, once: the half marks a deadline that its
  -- holder did not set.
  local GRACE = 5000
  if now - last > GRACE then
    local found = redis.call('ZRANGEBYSCORE', queue.leases, '-inf', now + GRACE, 'WITHSCORES')
    for i = 1, #found, 2 do
      if found[i + 1] % 1 == 0 then redis.call('ZADD', queue.leases, 'XX', now + GRACE + 0.5, found[i]) end
    end
  elseif last - now > 1000 then
    redis.call('HSET', queue.back, 'ms', last - now, 'after', now)
  end
  clamp(queue.leases, lease_ms)

  local over = redis.call('ZRANGEBYSCORE', queue.leases, '-inf', now, 'LIMIT', 0, 1000)
  if #over == 0 then return end
  redis.call('ZREM', queue.leases, unpack(over))
  redis.call('SREM', queue.ending, unpack(over))
  for i, lease in ipairs(over) do over[i] = string.match(lease, '^[^:]*:(.*)$') end
  redis.call('LPUSH', queue.ready, unpack(over))
  wake_consumer(queue)
end
-- uses: clock queue

-- Probes: looks at the balance, by one worker of all, ever later. Of what troubles the account, 'hold' or 'credit', a hash says when
-- to look, and a counter how often somebody has looked lately. Takes first_ms, longest_ms and memory_ms from what the script is
-- given.

-- Count a probe. Returns ms until the next one.
local function next_wait(trouble)
  local probes = prefix .. trouble .. ':probes'
  local tried = redis.call('INCR', probes)
  redis.call('PEXPIRE', probes, given.memory_ms)
  return math.min(given.first_ms * 2 ^ (tried - 1), given.longest_ms)
end

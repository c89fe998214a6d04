-- Which messages that are queued now may share calls.

-- The era of what is queued now; nil while what is queued has to leave alone. After a server took the place of another, and after replicas
-- came back, applications and people repeat what was forgotten. It may have left alone before: the gateway knows it by its own name, and
-- not by that of a call.
local function sharing_era()
  local apart_ms = 600000
  local known = read(prefix .. 'memory', 'era', 'apart')
  local apart = tonumber(known.apart or -apart_ms)
  if apart > now then
    -- The clock went back: that time is over as long after the leap as it would have been without.
    redis.call('HSET', prefix .. 'memory', 'apart', now)
    apart = now
  end
  if now < apart + apart_ms then return nil end
  return known.era or current_era()
end
-- uses: clock eras

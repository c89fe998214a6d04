-- Which messages that are queued now may share calls.

-- After a server took the place of another, and after replicas came back, applications and people repeat what was forgotten. It may have
-- left alone before: the gateway knows it by its own name, and not by that of a call.
local APART_MS = 600000

-- The era of what is queued now; nil while what is queued has to leave alone.
local function sharing_era()
  local known = read(prefix .. 'memory', 'era', 'apart')
  if known.apart and now < tonumber(known.apart) + APART_MS then return nil end
  return known.era or current_era()
end
-- uses: clock eras

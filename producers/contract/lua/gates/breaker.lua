-- What looks like the sends that were refused in words that nobody knows waits aside: it has all that in common that those agree
-- in. A send in doubt goes on: only the gateway can tell what became of it. Takes queue from what the script is given.
local breaker_gate = new_gate('breaker')

local function concerns(shut, send)
  local body = body_of(send)
  return (not shut.sender or shut.sender == string.match(body, '"sender":"([^"]*)"'))
    and (not shut.type or shut.type == string.match(body, '"type":"([^"]*)"'))
    and (not shut.queue or shut.queue == given.queue)
    and (not shut.campaign or shut.campaign == (send.record.campaign or ''))
end

-- The name of a breaker that concerns a send; nil if none does.
local function breaker_of(send)
  if send.doubt then return nil end
  for name, facts in pairs(shut_gates()) do
    if facts.shut and concerns(facts.shut, send) then return name end
  end
end

function breaker_gate.is_shut(send)
  return breaker_of(send) ~= nil
end

function breaker_gate.keep(send)
  local name = breaker_of(send)
  if name then return wait_aside(send, name) end
end
-- uses: send admission

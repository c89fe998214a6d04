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

function breaker_gate.keep(send)
  if send.doubt then return end
  for name, facts in pairs(shut_gates()) do
    if facts.shut and concerns(facts.shut, send) then return wait_aside(send, name) end
  end
end
-- uses: send admission

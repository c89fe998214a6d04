-- What the account cannot pay waits aside: of a tariff that was refused, each send that has as many segments or more. A send in
-- doubt goes on: only the gateway can tell what became of it.
local credit_gate = new_gate('credit')

-- Whether the account cannot pay a send, and its price if that is known.
local function is_too_dear(send)
  local facts = shut_gates().credit
  if not facts or send.doubt then return false end
  local tariff, segments, price = price_of(send.keys, body_of(send))
  local floor = facts.floors[tariff]
  return floor ~= nil and segments >= floor.segments, price
end

function credit_gate.is_shut(send)
  return (is_too_dear(send))
end

function credit_gate.keep(send)
  local is_kept, price = is_too_dear(send)
  if is_kept then return wait_aside(send, 'credit', price) end
end
-- uses: prices send admission

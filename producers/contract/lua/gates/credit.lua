-- What the account cannot pay waits aside: of a tariff that was refused, each send that has as many segments or more. A send in
-- doubt goes on: only the gateway can tell what became of it.
local credit_gate = new_gate('credit')

function credit_gate.keep(send)
  local facts = shut_gates().credit
  if not facts or send.doubt then return end
  local tariff, segments, price = price_of(send.keys, body_of(send))
  local floor = facts.floors[tariff]
  if floor and segments >= floor.segments then return wait_aside(send, 'credit', price) end
end
-- uses: prices send admission

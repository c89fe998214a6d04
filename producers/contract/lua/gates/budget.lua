-- What does not fit into the budget of the day waits, and what fits leaves: of a shared call as many members as fit. Marketing waits
-- aside until the next midnight of Paris, or until somebody sets another budget. An alert leaves all the same, unless alerts are to
-- stop, or the hard budget is spent: it is cancelled then, since it would come too late. A send in doubt goes on: only the gateway can
-- tell what became of it. Takes money, queue, aside_ms and retention_ms from what the script is given.
local budget_gate = new_gate('budget')

local function cancel_over_budget(send)
  redis.call('HSET', send.keys.record, 'code', 'over_budget')
  if send.record.members then
    end_call(send.keys, send.id, 'cancelled')
  else
    end_record(send.keys, send.id, 'cancelled')
  end
  return { 'ended', 'cancelled', 'over_budget' }
end

-- How many members of a shared call fit, if each costs as much as they do on average. None of what is no call, or has one member.
local function members_that_fit(send, leaves_beyond)
  local count = tonumber(send.record.members or 1)
  local fit = math.floor(room_of(send, leaves_beyond) * count / estimate_of(send))
  return count > 1 and math.max(0, math.min(fit, count - 1)) or 0
end

-- What keeps a send that fits, if anything does, is another reason.
local function wait_no_more(send)
  if send.record.held ~= 'over_budget' then return end
  leave_aside(send.keys, send.id)
  forget_held(send.keys)
end

function budget_gate.keep(send)
  local is_asked = given.money and not send.doubt and not send.record.charged
  if is_asked and room_of(send) < estimate_of(send) then lower_to_price(send) end
  local over = is_asked and over_budget(send)
  if not over then return wait_no_more(send) end
  local is_alert = given.queue == 'alert'
  local leaves_beyond = is_alert and not given.money.stop
  if leaves_beyond and over ~= 'hard' then return end
  local fit = members_that_fit(send, leaves_beyond)
  if fit > 0 then return { 'over', split_call(send.keys, send.id, given.queue, fit) } end
  if is_alert then return cancel_over_budget(send) end
  local ends = today().ends
  -- Of a worker whose clock is days behind every day that it names may be over.
  if ends <= now then ends = now + given.aside_ms end
  local verdict = wait_aside(send, 'budget', estimate_of(send) / MICRO, ends)
  note_held(send.keys, 'over_budget', whole(ends))
  return verdict
end
-- uses: clock aside budgets spending record call send held splitting admission

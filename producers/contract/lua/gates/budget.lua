-- What does not fit into the budget of the day waits, and what fits leaves. Marketing waits aside until the next midnight of Paris, or
-- until somebody sets another budget. An alert leaves all the same, unless alerts are to stop, or the hard budget is spent: it is
-- cancelled then, since it would come too late. A send in doubt goes on: only the gateway can tell what became of it. Takes money, queue
-- and retention_ms from what the script is given.
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

-- What keeps a send that fits, if anything does, is another reason.
local function wait_no_more(send)
  if send.record.held ~= 'over_budget' then return end
  leave_aside(send.keys, send.id)
  forget_held(send.keys)
end

function budget_gate.keep(send)
  local is_asked = given.money and not send.doubt and not send.record.charged
  local over = is_asked and over_budget(send)
  if not over then return wait_no_more(send) end
  if given.queue == 'alert' then
    if over == 'hard' or given.money.stop then return cancel_over_budget(send) end
    return
  end
  local ends = today().ends
  local verdict = wait_aside(send, 'budget', estimate_of(send) / MICRO, ends)
  note_held(send.keys, 'over_budget', whole(ends))
  return verdict
end
-- uses: aside budgets spending record call send held admission

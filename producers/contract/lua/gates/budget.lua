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

function budget_gate.keep(send)
  if not given.money or send.doubt or send.record.charged then return end
  local over = over_budget(send)
  if not over then return end
  if given.queue == 'alert' then
    if over == 'hard' or given.money.stop then return cancel_over_budget(send) end
    return
  end
  local ends = today().ends
  local verdict = wait_aside(send, 'budget', estimate_of(send) / MICRO, ends)
  note_held(send.keys, 'over_budget', whole(ends))
  return verdict
end
-- uses: budgets spending record call send held admission

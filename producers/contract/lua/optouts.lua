-- Opt-outs: a number is suppressed, and what waits for it is cancelled; or the suppression is lifted. A person is known by a pseudonym
-- under every key there is: what was queued under an older key has the older one.

-- What outweighs what. A START lifts the weakest only: what people wrote themselves, or a callback said.
local RANKS = { reply = 1, callback = 1, gateway = 2, operator = 3, erasure = 4 }
-- Messages to one number that one opt-out cancels. More of them that wait are a fault; those are stopped at their claims.
local CANCELLED_AT_ONCE = 100
-- Two opt-outs of one person within so much time are one, told twice.
local SAME_STOP_MS = 600000

-- What is noted of a person in a scope: when it was said, who said so, and the event; nil if nothing is.
local function noted_of(pseudonym, scope)
  return string.match(redis.call('HGET', prefix .. 'suppressed', scope .. '|' .. pseudonym) or '', '^(%d+)|([^|]*)|?(.*)$')
end

-- What outweighs an opt-out stays, and counts from the last time that anything was said: who has just written STOP is not forgotten
-- with a word of years ago. No time goes back.
local function suppress(pseudonym, scope, optout)
  local at, reason, event = noted_of(pseudonym, scope)
  if not (reason and RANKS[reason] > RANKS[optout.reason]) then reason, event = optout.reason, optout.event end
  local latest = math.max(tonumber(at or 0), math.min(optout.at, now))
  redis.call('HSET', prefix .. 'suppressed', scope .. '|' .. pseudonym, string.format('%d|%s|%s', latest, reason, event))
end

-- Cancel what waits for a person, is in no attempt and in no doubt. Returns the ids.
local function cancel_stoppable(pseudonym, scope, cancelled)
  for _, id in ipairs(stoppable_of(pseudonym, CANCELLED_AT_ONCE)) do
    local keys = keys_of(id)
    local record = read(keys.record, 'state', 'queue', 'call', 'scope')
    if not record.state then
      unlist_stoppable({ pseudonym }, { id })
    elseif scope == ACCOUNT or scope == record.scope then
      if cancel_waiting(keys, id, record, 'suppressed') then cancelled[#cancelled + 1] = id end
    end
  end
end

-- Suppress a person. Returns the ids of the messages that were cancelled.
local function opt_out(optout, scope)
  local cancelled = {}
  for _, pseudonym in ipairs(optout.pseudonyms) do suppress(pseudonym, scope, optout) end
  for _, pseudonym in ipairs(optout.pseudonyms) do cancel_stoppable(pseudonym, scope, cancelled) end
  local reasons = {}
  for i = 1, #cancelled do reasons[i] = optout.reason end
  count_suppressed('queued', reasons)
  return cancelled
end

-- Whether this is the STOP that was told already: the gateway may bring one as a callback and as a reply, in either order.
local function was_told(optout, scope)
  for _, pseudonym in ipairs(optout.pseudonyms) do
    local at, reason = noted_of(pseudonym, scope)
    if RANKS[reason] == RANKS[optout.reason] and math.abs(tonumber(at) - optout.at) <= SAME_STOP_MS then return true end
  end
  return false
end

-- Lift the suppression of a person: an operator any, a START an older one of its own kind. Returns whether there was one.
local function opt_in(optout, scope)
  local lifted = false
  for _, pseudonym in ipairs(optout.pseudonyms) do
    local at, reason = noted_of(pseudonym, scope)
    if reason and (optout.reason == 'operator' or RANKS[reason] == RANKS.reply and tonumber(at) < optout.at) then
      redis.call('HDEL', prefix .. 'suppressed', scope .. '|' .. pseudonym)
      lifted = true
    end
  end
  return lifted
end

-- Carry out an opt-out, or lift one, and say in the fields of its entry, which are names and values by turns, what came of that.
-- Takes action ('out' | 'in'), reason, pseudonyms, at (when it was said, ms), event (its id), and came (when we were told, ms, or nil).
-- Returns whether there is anything to tell. Safe to repeat.
local function carry_out(optout, scope, fields)
  local told = { scope = scope, cancelled = '0', cancelled_ids = '' }
  if optout.action == 'in' then
    if not opt_in(optout, scope) then return false end
  else
    local is_known = RANKS[optout.reason] == RANKS.reply and was_told(optout, scope)
    local cancelled = opt_out(optout, scope)
    if is_known and #cancelled == 0 then return false end
    told.cancelled, told.cancelled_ids = tostring(#cancelled), table.concat(cancelled, ' ')
    if optout.came then note_effect(now - optout.came) end
  end
  for i = 1, #fields, 2 do fields[i + 1] = told[fields[i]] or fields[i + 1] end
  return true
end
-- uses: clock keys suppressed stoppable cancelling effects

-- What is left of messages that are about to be queued, without those of their recipients who want no more SMS. Takes messages and
-- consent_ms from what the script is given; see enqueue.lua.

-- Who of the recipients of all messages is suppressed, under whatever key that was noted. Returns reasons by message and place.
local function find_suppressed()
  local fields, owners, places, found = {}, {}, {}, {}
  local function ask(i, to, scope)
    local before, count = #fields, add_questions(fields, to, scope)
    for place = 1, count do owners[before + place], places[before + place] = i, place end
  end
  for i, message in ipairs(given.messages) do
    local to, stop = message[14], message[16]
    if stop and stop[1] and is_anybody_suppressed() then
      for _, scope in ipairs({ ACCOUNT, stop[2] ~= '' and stop[2] or nil }) do
        ask(i, to, scope)
        for _, older in ipairs(stop[4]) do ask(i, older, scope) end
      end
    end
  end
  for at, reason in pairs(reasons_of(fields)) do
    found[owners[at]] = found[owners[at]] or {}
    found[owners[at]][places[at]] = reason
  end
  if given.consent_ms then
    for i, message in ipairs(given.messages) do
      local stop = message[16]
      if message[3] == 'marketing' then found[i] = without_consent({ message[14], unpack(stop and stop[4] or {}) }, found[i]) end
    end
  end
  return found
end

-- What is left of a message without those who are suppressed: body, to, recipients, segments, weights, how many are left_out, the code
-- with which it ends if that is all of them, and its estimate: of its segments, what is left of them.
local function what_is_left(message, reasons)
  local body, segments, recipients, to, stop, dues = message[6], message[8], message[9], message[14], message[16], message[18]
  local all = { body = body, to = to, recipients = recipients, segments = segments, weights = stop and stop[3] or '', left_out = 0,
    estimate = dues and estimate_from(dues) }
  if not reasons then return all end
  local out = 0
  for _ in pairs(reasons) do out = out + 1 end
  if out == recipients then
    all.left_out, all.code, all.estimate = out, code_of(reasons), all.estimate and 0
    return all
  end
  local left = left_of(all, reasons)
  -- A body that is not as we write it stays, and its claim ends it.
  if not left then return all end
  left.left_out, left.estimate = out, all.estimate and shrunk(all.estimate, left.segments, segments)
  return left
end
-- uses: suppressed leave_out consent estimates spending

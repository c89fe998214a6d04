-- What is left of messages that are about to be queued, without those of their recipients who want no more SMS. Takes messages and
-- consent_ms from what the script is given; see enqueue.lua.

-- Questions about recipients: each has its field and its message, and of one among several also its place.
local function no_questions()
  return { count = 0, fields = {}, owners = {}, places = {} }
end

-- Ask about the recipients of a message. `to` has their pseudonyms with blanks between them, and `before` is what a field begins with.
local function ask(questions, i, recipients, to, before)
  local at, fields, owners = questions.count, questions.fields, questions.owners
  if recipients == 1 then
    at = at + 1
    fields[at], owners[at], questions.count = before .. to, i, at
    return
  end
  local place = 0
  for pseudonym in string.gmatch(to, '%S+') do
    at, place = at + 1, place + 1
    fields[at], owners[at], questions.places[at] = before .. pseudonym, i, place
  end
  questions.count = at
end

-- The same under each older key, of which there mostly is none.
local function ask_older(questions, i, message, before)
  if not message[23] then return end
  for _, older in ipairs(message[23]) do ask(questions, i, message[9], older, before) end
end

local function note_reason(found, questions, at, reason)
  local i, place = questions.owners[at], questions.places[at] or 1
  found[i] = found[i] or {}
  found[i][place] = found[i][place] or reason
end

-- Who has agreed under one of some older keys, by message and place.
local function agreed_among(older)
  local lacking, found = {}, {}
  if older.count == 0 then return found end
  for _, at in ipairs(who_has_not_agreed(older.fields)) do lacking[at] = true end
  for at = 1, older.count do
    if not lacking[at] then note_reason(found, older, at, true) end
  end
  return found
end

-- Note who has not agreed to marketing, under whatever key that was noted.
local function note_lacking_consent(found)
  local questions, older = no_questions(), no_questions()
  for i, message in ipairs(given.messages) do
    if message[3] == 'marketing' then
      ask(questions, i, message[9], message[14], '')
      ask_older(older, i, message, '')
    end
  end
  local agreed_before = agreed_among(older)
  for _, at in ipairs(who_has_not_agreed(questions.fields)) do
    local before = agreed_before[questions.owners[at]]
    if not before or not before[questions.places[at] or 1] then note_reason(found, questions, at, 'no_consent') end
  end
end

-- Who of the recipients of all messages is suppressed, under whatever key that was noted. Returns reasons by message and place.
local function find_suppressed()
  local questions, found, of_account = no_questions(), {}, ACCOUNT .. '|'
  -- Of one message it costs no more to ask at once.
  if #given.messages == 1 or is_anybody_suppressed() then
    for i, message in ipairs(given.messages) do
      if message[16] then
        ask(questions, i, message[9], message[14], of_account)
        ask_older(questions, i, message, of_account)
        if message[21] then
          ask(questions, i, message[9], message[14], message[21] .. '|')
          ask_older(questions, i, message, message[21] .. '|')
        end
      end
    end
  end
  for at, reason in pairs(reasons_of(questions.fields)) do note_reason(found, questions, at, reason) end
  if given.consent_ms then note_lacking_consent(found) end
  return found
end

-- What is left of a message without those who are suppressed: body, to, recipients, segments, weights, how many are left_out, the code
-- with which it ends if that is all of them, and its estimate: of its segments, what is left of them.
local function what_is_left(message, reasons)
  local body, segments, recipients, to, dues = message[6], message[8], message[9], message[14], message[18]
  local all = { body = body, to = to, recipients = recipients, segments = segments, weights = message[22] or '', left_out = 0,
    estimate = dues and estimate_from(dues) }
  if not reasons then return all end
  local out = 0
  for _ in pairs(reasons) do out = out + 1 end
  if out == recipients then
    all.left_out, all.code, all.estimate = out, code_of(reasons), all.estimate and 0
    return all
  end
  local left = left_of(all, reasons)
  left.left_out, left.estimate = out, all.estimate and shrunk(all.estimate, left.segments, segments)
  return left
end
-- uses: suppressed leave_out consent estimates spending

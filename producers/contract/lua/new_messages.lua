-- What is left of messages that are about to be queued, without those of their recipients who want no more SMS. Takes messages and
-- consent_ms from what the script is given; see enqueue.lua.

-- Add to questions about recipients of messages those about the recipients of one. `to` has their pseudonyms with blanks between them,
-- and `before` is what a field begins with. Each question has its field, its message and the place of its recipient.
local function ask(questions, i, to, before)
  local fields, owners, places, place = questions.fields, questions.owners, questions.places, 0
  if not string.find(to, ' ', 1, true) then
    local at = #fields + 1
    fields[at], owners[at], places[at] = before .. to, i, 1
    return
  end
  for pseudonym in string.gmatch(to, '%S+') do
    place = place + 1
    local at = #fields + 1
    fields[at], owners[at], places[at] = before .. pseudonym, i, place
  end
end

-- The same under each older key, of which there mostly is none.
local function ask_older(questions, i, message, before)
  if not message[23] then return end
  for _, older in ipairs(message[23]) do ask(questions, i, older, before) end
end

local function no_questions()
  return { fields = {}, owners = {}, places = {} }
end

local function note_reason(found, i, place, reason)
  found[i] = found[i] or {}
  found[i][place] = found[i][place] or reason
end

-- Note who has not agreed to marketing, under whatever key that was noted.
local function note_lacking_consent(found)
  local questions, older_questions = no_questions(), no_questions()
  for i, message in ipairs(given.messages) do
    if message[3] == 'marketing' then
      ask(questions, i, message[14], '')
      ask_older(older_questions, i, message, '')
    end
  end
  local older_agreed = have_agreed(older_questions.fields)
  local among_older = {}
  for at in pairs(older_agreed) do
    note_reason(among_older, older_questions.owners[at], older_questions.places[at], true)
  end
  local agreed = have_agreed(questions.fields)
  for at = 1, #questions.fields do
    local i, place = questions.owners[at], questions.places[at]
    if not agreed[at] and not (among_older[i] and among_older[i][place]) then note_reason(found, i, place, 'no_consent') end
  end
end

-- Add the questions about the recipients of a message in a scope, under every key.
local function ask_about(questions, i, message, scope)
  ask(questions, i, message[14], scope .. '|')
  ask_older(questions, i, message, scope .. '|')
end

-- Who of the recipients of all messages is suppressed, under whatever key that was noted. Returns reasons by message and place.
local function find_suppressed()
  local questions, found = no_questions(), {}
  -- Of one message it costs no more to ask at once.
  if #given.messages == 1 or is_anybody_suppressed() then
    for i, message in ipairs(given.messages) do
      if message[16] then
        ask_about(questions, i, message, ACCOUNT)
        if message[21] then ask_about(questions, i, message, message[21]) end
      end
    end
  end
  for at, reason in pairs(reasons_of(questions.fields)) do note_reason(found, questions.owners[at], questions.places[at], reason) end
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

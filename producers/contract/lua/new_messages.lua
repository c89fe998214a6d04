-- What is left of messages that are about to be queued, without those of their recipients who want no more SMS. Takes consent_ms, and of
-- the messages queues, bodies, segments, recipients, to, older_to, stoppable, scope, weights and dues, from what the script is given; see
-- enqueue.lua.

-- Questions about recipients: each has its field and its message, and of one among several also its place.
local function no_questions()
  return { count = 0, fields = {}, owners = {}, places = {} }
end

-- Ask about the recipients of a message. `to` has their pseudonyms with blanks between them, and `before` is what a field begins with.
local function ask(questions, i, to, before)
  local at, fields, owners = questions.count, questions.fields, questions.owners
  if given.recipients[i] == 1 then
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
local function ask_older(questions, i, before)
  if not given.older_to[i] then return end
  for _, older in ipairs(given.older_to[i]) do ask(questions, i, older, before) end
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
  for i, queue in ipairs(given.queues) do
    if queue == 'marketing' then
      ask(questions, i, given.to[i], '')
      ask_older(older, i, '')
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
  if #given.to == 1 or is_anybody_suppressed() then
    for i, to in ipairs(given.to) do
      if given.stoppable[i] then
        ask(questions, i, to, of_account)
        ask_older(questions, i, of_account)
        if given.scope[i] then
          ask(questions, i, to, given.scope[i] .. '|')
          ask_older(questions, i, given.scope[i] .. '|')
        end
      end
    end
  end
  for at, reason in pairs(reasons_of(questions.fields)) do note_reason(found, questions, at, reason) end
  if given.consent_ms then note_lacking_consent(found) end
  return found
end

-- What is left of the message at a place without those who are suppressed: body, to, recipients, segments, weights, how many are
-- left_out, the code with which it ends if that is all of them, and its estimate: of its segments, what is left of them.
local function what_is_left(i, reasons)
  local segments, recipients = given.segments[i], given.recipients[i]
  local all = { body = given.bodies[i], to = given.to[i], recipients = recipients, segments = segments, weights = given.weights[i] or '',
    left_out = 0, estimate = given.dues[i] and estimate_from(given.dues[i]) }
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

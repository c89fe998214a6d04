-- Who wants no more SMS. `suppressed` holds 'at|reason|event_id' by 'scope|pseudonym'. The scope 'account' counts for every send; a send
-- may have one of its own beside it, of its sender or its application. Of a send in the queue for marketing all of this counts; of an
-- alert only if its record says that it is stoppable.

local SUPPRESSED = prefix .. 'suppressed'
local ACCOUNT = 'account'
-- Fields that are asked for at a time: Lua passes no more than some thousands.
local ASKED_AT_ONCE = 1000

local anybody
local function is_anybody_suppressed()
  if anybody == nil then anybody = redis.call('EXISTS', SUPPRESSED) == 1 end
  return anybody
end

-- Whether an opt-out ends a send. Takes queue and stoppable of its record.
local function is_stoppable(record)
  return record.queue == 'marketing' or record.stoppable ~= nil
end

-- Add what to ask for of some recipients in a scope. `to` has pseudonyms with blanks between them. Returns how many there are.
local function add_questions(fields, to, scope)
  local before = #fields
  for pseudonym in string.gmatch(to, '%S+') do fields[#fields + 1] = scope .. '|' .. pseudonym end
  return #fields - before
end

local function reason_in(value)
  return string.match(value, '^%d+|([^|]*)')
end

-- Ask why people are suppressed. Returns the reasons by place.
local function reasons_of(fields)
  local found = {}
  for start = 1, #fields, ASKED_AT_ONCE do
    local asked = redis.call('HMGET', SUPPRESSED, unpack(fields, start, math.min(#fields, start + ASKED_AT_ONCE - 1)))
    for i, value in ipairs(asked) do
      if value then found[start + i - 1] = reason_in(value) end
    end
  end
  return found
end

-- Find out which of some recipients are suppressed, for a send of a scope, or nil for one without its own. Returns their reasons by
-- place; nil if there is nobody, as there mostly is.
local function suppressed_among(to, scope)
  if not to or not is_anybody_suppressed() then return nil end
  if not scope and not string.find(to, ' ', 1, true) then
    -- Mostly one person, who is asked about for each send.
    local value = redis.call('HGET', SUPPRESSED, ACCOUNT .. '|' .. to)
    return value and { reason_in(value) }
  end
  local fields, found = {}, {}
  local count = add_questions(fields, to, ACCOUNT)
  if scope then add_questions(fields, to, scope) end
  for place, reason in pairs(reasons_of(fields)) do found[(place - 1) % count + 1] = reason end
  return next(found) and found
end

-- Count recipients whom a suppression kept from an SMS, by where that was seen. Takes reasons by place.
local function count_suppressed(point, reasons)
  local by_reason = {}
  for _, reason in pairs(reasons) do by_reason[reason] = (by_reason[reason] or 0) + 1 end
  for reason, count in pairs(by_reason) do redis.call('HINCRBY', prefix .. 'counts', 'suppressed:' .. point .. ':' .. reason, count) end
end

-- A send leaves without those who want no more SMS, and not at all if there is nobody else. What may be at the gateway keeps its bytes:
-- a message to one of them is not tried again, and one to several is, for the others; the gateway drops whom it blocks itself.
local suppressed_gate = new_gate('suppressed')

local function end_one(send, reasons)
  local keys, state = send.keys, 'cancelled'
  if send.doubt then
    -- The callback that brought a ticket is proof: somebody has the text.
    state = send.record.adopted and 'accepted' or 'unknown'
  end
  redis.call('HDEL', keys.record, 'code', 'message')
  local code = state == 'unknown' and 'suppressed_in_doubt' or state == 'cancelled' and 'suppressed' or ''
  if code ~= '' then
    redis.call('HSET', keys.record, 'code', code)
    count_suppressed('claim', reasons)
  end
  end_record(keys, send.id, state)
  return { 'ended', state, code }
end

-- Nobody answers what he did not get: it is no turn of his conversation any more.
local function leave_talks(send, reasons)
  local place = 0
  for pseudonym in string.gmatch(send.record.to, '%S+') do
    place = place + 1
    if reasons[place] then redis.call('ZREM', talk_of(pseudonym), 'out:' .. send.id) end
  end
end

-- Write a message anew without some of its recipients. Returns false if nobody can read its body.
local function write_anew(send, reasons)
  local record = read(send.keys.record, 'segments', 'weights', 'two_way')
  local left = left_of({ body = body_of(send), to = send.record.to, recipients = send.record.recipients,
    segments = record.segments, weights = record.weights or '' }, reasons)
  if not left then return false end
  local out = send.record.recipients - left.recipients
  redis.call('HSET', send.keys.record, 'recipients', left.recipients, 'to', left.to, 'segments', left.segments, 'weights', left.weights)
  redis.call('HINCRBY', send.keys.record, 'left_out', out)
  redis.call('SET', send.keys.body, left.body)
  send.record.estimate = lower_estimate(send.keys, send.record, record.segments, left.segments)
  if send.record.campaign then note_left_out(campaign_key(send.record.campaign), out) end
  count_suppressed('claim', reasons)
  if record.two_way then leave_talks(send, reasons) end
  send.body, send.record.recipients, send.record.to = left.body, left.recipients, left.to
  return true
end

local function count_of(reasons)
  local count = 0
  for _ in pairs(reasons) do count = count + 1 end
  return count
end

-- Count once that a call in doubt goes on although some want no more SMS, and note how many: who writes STOP later is none of them.
local function note_race(send, reasons)
  local known, count = tonumber(send.record.raced), count_of(reasons)
  if known and known >= count then return end
  redis.call('HSET', send.keys.record, 'raced', count)
  if not known then redis.call('HINCRBY', prefix .. 'counts', 'optout_race', 1) end
end

-- Why the recipients of a send want no more SMS, by place, and whether nobody else is left; nil if there are none.
local function reasons_for(record)
  if not is_stoppable(record) then return nil end
  -- Whoever is being erased is not named any more, and wants no more SMS either.
  local is_nobody_left = record.erase and record.to == ''
  return is_nobody_left and { 'erasure' } or suppressed_among(record.to, record.scope), is_nobody_left
end

-- Whether a send goes to somebody else, too.
local function is_for_others(send, reasons, is_nobody_left)
  if send.record.members then return true end
  return not is_nobody_left and count_of(reasons) < tonumber(send.record.recipients or 1)
end

-- What is in doubt goes on for the others once a claim has counted all who want no more.
function suppressed_gate.is_shut(send)
  local reasons, is_nobody_left = reasons_for(send.record)
  if not reasons then return false end
  local is_counted = tonumber(send.record.raced or 0) >= count_of(reasons)
  return not (send.doubt and is_counted and is_for_others(send, reasons, is_nobody_left))
end

function suppressed_gate.keep(send)
  local record = send.record
  local reasons, is_nobody_left = reasons_for(record)
  if not reasons then return end
  if not is_for_others(send, reasons, is_nobody_left) then return end_one(send, reasons) end
  if send.doubt then return note_race(send, reasons) end
  if record.members then return compose_anew(send) end
  -- A body that is gone is seen to at the next gate.
  if not body_of(send) or write_anew(send, reasons) then return end
  redis.call('HSET', send.keys.record, 'code', 'body_damaged')
  end_record(send.keys, send.id, 'failed')
  return { 'ended', 'failed', 'body_damaged' }
end
-- uses: keys campaign record send suppressed leave_out talks admission

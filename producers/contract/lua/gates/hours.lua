-- Marketing waits until all zones of its recipients are open. Takes queue, window_ms, retention_ms, maxlen, late_ms (for so long after
-- the last moment of a claim POSTs may begin) and hours from what the script is given: zone to the times at which marketing may be
-- claimed for it, from and to by turns, ms; none where marketing may leave at any hour.
local hours_gate = new_gate('hours')

-- What was held comes back over a minute, not all at once.
local SPREAD_MS = 60000
-- When to look again at what opens later than anybody knows now, at the earliest and for want of any time.
local SOON_MS, LATER_MS = 60000, 3600000

local function are_known(zones)
  for zone in string.gmatch(zones, '%S+') do
    if not given.hours[zone] then return false end
  end
  return true
end

-- The first time at which all zones are open, and until when; nil instead of that if the time is only one before which they are not.
local function opening(zones)
  local at, closes = now, math.huge
  repeat
    local before = at
    closes = math.huge
    for zone in string.gmatch(zones, '%S+') do
      local times, found = given.hours[zone], false
      for i = 1, #times, 2 do
        if at < times[i + 1] then
          at, closes, found = math.max(at, times[i]), math.min(closes, times[i + 1]), true
          break
        end
      end
      if not found then return math.max(at, times[#times] or now + LATER_MS, now + SOON_MS), nil end
    end
  until at == before
  return at, closes
end

-- The same, asked once for all sends of a script that have the same zones. Nothing if a zone is missing from what is given.
local asked = {}
local function known_opening(zones)
  if not asked[zones] then
    if not are_known(zones) then return end
    local at, closes = opening(zones)
    asked[zones] = { at = at, closes = closes }
  end
  return asked[zones]
end

-- Hold a send until its zones open, or until its own time is over if that comes first.
local function hold_until(send, at, closes)
  local ends = send.expires
  if send.doubt then
    ends = math.min(ends, tonumber(send.record.first or now) + given.window_ms + 1)
  elseif at >= ends and not send.record.members then
    blame_held(send.keys, 'hours', at, ends)
    end_record(send.keys, send.id, 'expired')
    return { 'ended', 'expired', 'quiet_hours' }
  else
    -- Surely not taken: the time at which it may not leave is none in which it could have been tried.
    redis.call('HDEL', send.keys.record, 'first')
  end
  -- It may have waited aside at a gate behind this one, such as for the budget of a day that is over.
  if send.record.aside then leave_aside(send.keys, send.id) end
  note_held(send.keys, 'hours', at)
  local spread = tonumber(string.sub(redis.sha1hex(send.id), 1, 6), 16) % SPREAD_MS
  local room = math.min(closes or math.huge, ends) - at
  come_again(send, room > 0 and at + math.floor(math.min(spread, room / 2)) or ends)
  return { 'held' }
end

function hours_gate.is_shut(send)
  local zones = send.record.zones
  if not (zones and given.hours) then return false end
  local found = known_opening(zones)
  return not found or found.at > now
end

function hours_gate.keep(send)
  local zones = send.record.zones
  if not zones then return end
  if given.hours then
    local found = known_opening(zones)
    if not found then return { 'zones', zones } end
    if found.at > now then return hold_until(send, found.at, found.closes) end
    send.closes = found.closes + given.late_ms
  end
  if send.record.held == 'hours' then forget_held(send.keys) end
end
-- uses: clock aside record send held admission

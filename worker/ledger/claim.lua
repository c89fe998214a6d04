-- Claim the next attempt of sends (messages and shared calls), or say why there is none. The gates that have a say here are asked in
-- the order of producers/contract/admission.py; the first one that keeps a send decides.
-- Given: version (of records, at most), lease_ms, window_ms (in which attempts may be made), retention_ms, maxlen, rate (where no
--   limit is set live), queue (its name), aside_ms (after which what waits aside is claimed again), hours (of marketing: zone to
--   times; none for any hour), late_ms (for so long after the last moment of a claim POSTs may begin), money (budgets of the day, or
--   none: see budgets.lua), account (as the claimant knows it, or none: then nobody asks), entries (each id, lease)
-- Returns per entry one of
--   'claimed', token, body, in doubt 0|1, ms in which POSTs may begin or -1, confirmed 0|1 (1: an earlier claim of this shared call
--                           under its present name was confirmed, for its attempt was recorded), POSTs made before, trace or '',
--                           links or ''
--   'over', state           it ended before, or leaves with its shared call: nothing left to do
--   'ended', state, code    this claim ended it: expired, unknown, failed, cancelled with its campaign or for an opt-out, accepted when a
--                           callback has proven it
--   'wait', ms              too early, all sending waits, or another worker has the attempt
--   'compose'               a shared call that must be composed, or composed anew, first
--   'paused'                it waits in the list of its campaign
--   'aside'                 a gate keeps it: it has become a delayed entry, in the same step
--   'held'                  marketing may not leave to its zones yet: it has become a delayed entry, in the same step
--   'zones', zones          the hours of one of them must be given first
--   'foreign'               the namespace belongs to another account now, or Redis has forgotten to which: nothing was done
--   'newer'                 written by a newer version of the producers: leave it to a newer worker
--   'gone'                  no record under this id
-- Safe to repeat: each claim gets a higher token, and only the highest may finish.
-- uses: clock aside limits send held budgets admit_send tallies delays

-- Count how long a send waited for its first claim since it could have left: a call since the first of its members could, the two parts of
-- one that was split not again. What a gate of its own kept is not counted: it waited for something else.
local function tally_wait(send)
  local record = send.record
  if send.token > 0 or record.first or record.aside or not (record.queue and record.queued) then return end
  local since = record.since or math.max(tonumber(record.queued), tonumber(record.due or 0))
  tally_delay('delay:' .. record.queue, now - math.max(tonumber(since), tonumber(record.held_until or 0)))
end

local function begin_attempt(send)
  local record, token = send.record, send.token + 1
  tally_wait(send)
  if record.aside then leave_aside(send.keys, send.id) end
  if record.held then forget_held(send.keys) end
  -- The fetch paid for one recipient.
  charge(tonumber(record.recipients or 1) - 1, record.queue)
  redis.call('HSET', send.keys.record, 'state', 'sending', 'token', token, 'running', send.lease, 'first', record.first or now)
  reserve(send)
  redis.call('ZADD', prefix .. 'attempt_leases', now + given.lease_ms, send.id .. ':' .. token)
  redis.call('ZADD', prefix .. 'attempt_starts', now, send.id)
  local lives = math.min(send.expires, send.closes or math.huge)
  local left = lives == math.huge and -1 or math.ceil(lives - now)
  return { 'claimed', token, body_of(send), send.doubt and 1 or 0, left, record.confirmed and 1 or 0, tonumber(record.attempts or 0),
    record.trace or '', record.links or '' }
end

local function claim(entry)
  if not is_namespace_ours() then return { 'foreign' } end
  local send = send_of(entry.id, entry.lease)
  if not send.record.state then return { 'gone' } end
  return kept(send) or begin_attempt(send)
end

local result = {}
for i, entry in ipairs(given.entries) do result[i] = claim(entry) end
note_reserved()
write_tallies()
return result

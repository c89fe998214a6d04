-- Learn what calls came to, and so how many may be in flight over all workers: one more per full window of calls that went well,
-- half after strain. Strain is what the gateway said, or answers that take far longer than they used to.
-- Given: setting (calls in flight where no limit is set live), well (calls that went well), strained (calls that met strain), timed
--   (of calls with 1, 2 and 3 digits of recipients: count, middle_ms, fastest_ms of those that went well, or -1)
-- Returns the limit in force beside the setting (0: none), and why it was halved now: 'said', 'slow' or ''. Not safe to repeat: the
--   calls would count twice.
-- uses: clock queue leases
local strain = prefix .. 'strain'
local setting = tonumber(redis.call('HGET', prefix .. 'limits', 'in_flight') or given.setting)

-- All is forgotten when nobody has sent for MEMORY ms. Answers are slow when the last ones, about ten, took three times the
-- baseline and 200 ms more, and enough calls were timed since the last cut. The baseline follows the fastest call: down at once, up
-- so slowly that it doubles in ten minutes. A single lost answer is no strain: its time counts up to a bound.
local MEMORY, SLOWER, SLOWER_MS, ENOUGH, RISE, RECENT = 600000, 3, 200, 20, 600000, 0.9
local CUT_MS, CUT_LONGEST = 1000, 10000

-- Returns whether calls with so many digits of recipients are slow now, and what they take.
local function timed(digits, calls)
  local count, took, fastest = calls.count, calls.middle_ms, calls.fastest_ms
  local names = { base = 'base:' .. digits, short = 'short:' .. digits, timed = 'timed:' .. digits, at = 'at:' .. digits }
  local known = read(strain, names.base, names.short, names.timed, names.at)
  local base, short = tonumber(known[names.base]), tonumber(known[names.short])
  local all, at = tonumber(known[names.timed] or 0) + count, tonumber(known[names.at] or now)
  if count == 0 then return false, short or 0 end
  if base then took = math.min(took, 2 * math.max(SLOWER * base, base + SLOWER_MS)) end
  short = short and short + (took - short) * (1 - RECENT ^ count) or took
  if fastest >= 0 then
    base = math.min(fastest, base and base + (base + 50) * math.max(0, now - at) / RISE or fastest)
    redis.call('HSET', strain, names.base, string.format('%.3f', base), names.at, now)
  end
  redis.call('HSET', strain, names.short, string.format('%.3f', short), names.timed, all)
  return base and all >= ENOUGH and short > SLOWER * base and short > base + SLOWER_MS, short
end

local slow, round_trip = false, 0
for digits, calls in ipairs(given.timed) do
  local is_slow, takes = timed(digits, calls)
  slow, round_trip = slow or is_slow, math.max(round_trip, takes)
end

local known = read(strain, 'limit', 'top', 'cut')
local limit, top, cut = tonumber(known.limit), tonumber(known.top), tonumber(known.cut)
local why = ''
if given.strained > 0 or slow then
  -- Calls that were under way at the cut come back within a round trip, and tell of the time before it.
  if not cut or now < cut or now - cut >= math.min(CUT_LONGEST, math.max(CUT_MS, round_trip)) then
    local busy = math.max(1, at_work(queue_keys('alert')) + at_work(queue_keys('marketing')))
    local from = math.min(busy, limit or busy, setting > 0 and setting or busy)
    limit, top = math.max(1, math.floor(from / 2)), math.max(top or 2, 2 * busy)
    why = given.strained > 0 and 'said' or 'slow'
    redis.call('HSET', strain, 'top', top, 'cut', now)
    redis.call('HDEL', strain, 'timed:1', 'timed:2', 'timed:3')
  end
elseif limit and given.well > 0 then
  -- One more per window, however many windows this call tells of.
  limit = math.sqrt(limit * limit + 2 * given.well)
end

-- A limit that would limit nothing any more is dropped: at the setting or, without one, at twice what was in flight at the cut.
if limit and limit >= (setting > 0 and setting or top or 2) then
  redis.call('HDEL', strain, 'limit', 'top')
  limit = nil
elseif limit then
  redis.call('HSET', strain, 'limit', string.format('%.4f', limit))
end
redis.call('PEXPIRE', strain, MEMORY)
return { limit and math.floor(limit) or 0, why }

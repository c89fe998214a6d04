-- Learn what calls came to, and so how many may be in flight over all workers: one more per full window of calls that
-- went well, half after strain. Strain is what the gateway said, or answers that take far longer than they used to.
-- KEYS: flight, limits, alert leases, marketing leases
-- ARGV: default calls in flight, calls that went well, calls that met strain; then for calls of 1, 2 and 3 digits of
--       recipients: how many were timed, ms that the middle one took, ms of the fastest that went well (-1: none)
-- Returns the limit in force beside the setting (0: none), and why it was halved now: 'said', 'slow' or ''.
local flight, limits = KEYS[1], KEYS[2]
local well, strained = tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
local setting = tonumber(redis.call('HGET', limits, 'in_flight') or ARGV[1])

-- The memory goes when nobody has sent for so long. Answers count as slow when the last ones, about ten, took three
-- times the baseline and 200 ms more, and enough were timed since the last cut. The baseline follows the fastest: down
-- at once, up so slowly that it doubles in ten minutes. One lost answer is none: what it took counts up to a bound.
local MEMORY, SLOWER, SLOWER_MS, ENOUGH, RISE, RECENT = 600000, 3, 200, 20, 600000, 0.9
local CUT_MS, CUT_LONGEST = 1000, 10000

-- Returns whether calls of so many digits of recipients are slow now, and what they take.
local function timed(digits)
  local count, took, fastest = tonumber(ARGV[3 * digits + 1]), tonumber(ARGV[3 * digits + 2]),
    tonumber(ARGV[3 * digits + 3])
  local names = { 'base:' .. digits, 'short:' .. digits, 'timed:' .. digits, 'at:' .. digits }
  local r = redis.call('HMGET', flight, unpack(names))
  local base, short, seen, at = tonumber(r[1] or nil), tonumber(r[2] or nil), tonumber(r[3] or 0), tonumber(r[4] or now)
  if count == 0 then return false, short or 0 end
  if base then took = math.min(took, 2 * math.max(SLOWER * base, base + SLOWER_MS)) end
  short = short and short + (took - short) * (1 - RECENT ^ count) or took
  seen = seen + count
  if fastest >= 0 then
    base = math.min(fastest, base and base + (base + 50) * math.max(0, now - at) / RISE or fastest)
    redis.call('HSET', flight, names[1], string.format('%.3f', base), names[4], now)
  end
  redis.call('HSET', flight, names[2], string.format('%.3f', short), names[3], seen)
  return base and seen >= ENOUGH and short > SLOWER * base and short > base + SLOWER_MS, short
end

local slow, round_trip = false, 0
for digits = 1, 3 do
  local is_slow, takes = timed(digits)
  slow, round_trip = slow or is_slow, math.max(round_trip, takes)
end

local r = redis.call('HMGET', flight, 'limit', 'top', 'cut')
local limit, top, cut = tonumber(r[1] or nil), tonumber(r[2] or nil), tonumber(r[3] or nil)
local why = ''
if strained > 0 or slow then
  -- What was under way at the cut comes back within a round trip, and tells of the time before.
  if not cut or now < cut or now - cut >= math.min(CUT_LONGEST, math.max(CUT_MS, round_trip)) then
    local busy = math.max(1, calls_out(KEYS[3], KEYS[4]))
    local from = math.min(busy, limit or busy, setting > 0 and setting or busy)
    limit, top = math.max(1, math.floor(from / 2)), math.max(top or 2, 2 * busy)
    why = strained > 0 and 'said' or 'slow'
    redis.call('HSET', flight, 'top', top, 'cut', now)
    redis.call('HDEL', flight, 'timed:1', 'timed:2', 'timed:3')
  end
elseif limit and well > 0 then
  -- One more per window, however many windows are told of at once.
  limit = math.sqrt(limit * limit + 2 * well)
end

-- Where it would limit no more, it goes. Without a setting that is twice what was in flight when strain showed.
if limit and limit >= (setting > 0 and setting or top or 2) then
  redis.call('HDEL', flight, 'limit', 'top')
  limit = nil
elseif limit then
  redis.call('HSET', flight, 'limit', string.format('%.4f', limit))
end
redis.call('PEXPIRE', flight, MEMORY)
return { limit and math.floor(limit) or 0, why }

-- Let entries go that were taken for a client who went before it was answered: whoever asks next gets them, as if nobody had.
-- Given: stream, group, consumer, idle_ms (after so long entries are handed out again), entries (each id, deliveries)
-- Returns how many were given back. Safe to repeat: an entry that was given back, or that somebody has taken since, is left alone.
-- uses:
local stream, given_back = prefix .. given.stream, 0
for _, entry in ipairs(given.entries) do
  local held = redis.call('XPENDING', stream, given.group, entry.id, entry.id, 1, given.consumer)[1]
  if held and held[4] == entry.deliveries then
    redis.call('XCLAIM', stream, given.group, given.consumer, 0, entry.id, 'IDLE', given.idle_ms, 'RETRYCOUNT', entry.deliveries - 1,
      'JUSTID')
    given_back = given_back + 1
  end
end
return given_back

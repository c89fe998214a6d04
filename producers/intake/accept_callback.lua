-- Store one raw callback and queue its processing, unless its token has brought too much lately.
-- KEYS: callback, callbacks ready, callbacks wake, taken
-- ARGV: callback id, kind given by the URL or '', raw body, the only kind that its token may bring or '', bytes that may
--       be taken in a minute
-- Returns 1, or 0 when nothing was stored. Not idempotent: each call stores a callback; its events are appended once all
--   the same.
-- What a callback takes beside its body, so that many small ones count, too.
local cost = #ARGV[3] + 256
if tonumber(redis.call('GET', KEYS[4]) or 0) + cost > tonumber(ARGV[5]) then return 0 end
if redis.call('INCRBY', KEYS[4], cost) == cost then redis.call('PEXPIRE', KEYS[4], 60000) end
redis.call('HSET', KEYS[1], 'kind', ARGV[2], 'raw', ARGV[3], 'only', ARGV[4], 'received', now_ms())
push(KEYS[2], KEYS[3], ARGV[1])
return 1

-- Store one raw callback and queue its processing.
-- KEYS: callback, callbacks ready, callbacks wake
-- ARGV: callback id, kind given by the URL or '', raw body
-- Returns 1. Not idempotent: each call stores a callback; its events are appended once all the same.
redis.call('HSET', KEYS[1], 'kind', ARGV[2], 'raw', ARGV[3], 'received', now_ms())
push(KEYS[2], KEYS[3], ARGV[1])
return 1

-- Take entries off a queue under a lease. Also the queue's whole upkeep, bounded per call: entries whose lease
-- has run out go back to the front, entries that are due join the end.
-- KEYS: ready, delayed, leases, envelopes, wake
-- ARGV: owner, how many at most, lease ms
-- Returns ms until the next delayed entry or lease falls due (-1: none), then per entry: id, envelope or ''.
local ready, delayed, leases, envelopes, wake_key = unpack(KEYS)
local owner, most, lease = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local now = now_ms()
for _, member in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, 128)) do
  redis.call('ZREM', leases, member)
  redis.call('LPUSH', ready, string.match(member, '^[^:]*:(.*)$'))
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, 128)) do
  redis.call('ZREM', delayed, id)
  redis.call('RPUSH', ready, id)
end
local result = { -1 }
local ids = most > 0 and redis.call('LPOP', ready, most) or nil
for _, id in ipairs(ids or {}) do
  redis.call('ZADD', leases, now + lease, owner .. ':' .. id)
  result[#result + 1] = id
  result[#result + 1] = redis.call('HGET', envelopes, id) or ''
end
if redis.call('LLEN', ready) > 0 then wake(wake_key) end
for _, key in ipairs({ delayed, leases }) do
  local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if first[2] then
    local wait = math.max(0, math.ceil(tonumber(first[2]) - now))
    if result[1] < 0 or wait < result[1] then result[1] = wait end
  end
end
return result

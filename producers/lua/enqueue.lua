-- Create records and queue their sends, all or nothing.
-- KEYS: alert ready, delayed, wake; marketing ready, delayed, wake; counts; then per message: record, body
-- ARGV: record version; then per message: request_id, digest, queue name, due ms or '', ttl ms or '', body,
--       context, segments, recipients
-- Returns per message: 'created' | 'existing' | 'conflict', state
-- Safe to repeat: an existing record with the same digest is returned untouched.
local now = now_ms()
local result = {}
for i = 0, (#ARGV - 1) / 9 - 1 do
  local record, body = KEYS[8 + i * 2], KEYS[9 + i * 2]
  local a = 1 + i * 9
  local id, digest, queue = ARGV[a + 1], ARGV[a + 2], ARGV[a + 3]
  local due, ttl = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5])
  local known = redis.call('HMGET', record, 'state', 'digest')
  if known[1] then
    result[#result + 1] = known[2] == digest and 'existing' or 'conflict'
    result[#result + 1] = known[1]
  else
    local fields = { 'v', ARGV[1], 'state', 'queued', 'digest', digest, 'queue', queue, 'queued', now,
      'segments', ARGV[a + 8] }
    if due then fields[#fields + 1] = 'due'; fields[#fields + 1] = due end
    if ttl then fields[#fields + 1] = 'expires'; fields[#fields + 1] = math.max(now, due or 0) + ttl end
    if ARGV[a + 7] ~= '' then fields[#fields + 1] = 'context'; fields[#fields + 1] = ARGV[a + 7] end
    if ARGV[a + 9] ~= '1' then fields[#fields + 1] = 'recipients'; fields[#fields + 1] = ARGV[a + 9] end
    redis.call('HSET', record, unpack(fields))
    redis.call('HINCRBY', KEYS[7], 'enqueued', 1)
    redis.call('SET', body, ARGV[a + 6])
    local base = queue == 'alert' and 0 or 3
    if due and due > now then
      redis.call('ZADD', KEYS[base + 2], due, id)
      wake(KEYS[base + 3])
    else
      push(KEYS[base + 1], KEYS[base + 3], id)
    end
    result[#result + 1] = 'created'
    result[#result + 1] = 'queued'
  end
end
return result

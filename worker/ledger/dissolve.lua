-- Let a shared call fall apart into its members, which go alone then: at the front of the queue, in their order. Only
-- a call that was surely never posted under its present name; and if it was under another, or is a part of one that was,
-- only when Redis cannot forget any more that this was not taken: it would be asked for again, beside its members.
-- KEYS: ready, wake
-- ARGV: key prefix, call id, ms after which nothing is forgotten (-1: nobody knows)
-- Returns how many members went back; 0 when the call is open, has ended or is gone; -1 when it has to wait for Redis.
-- Safe to repeat.
local ready, wake_key, prefix, call = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local keys, map, list = keys_of(prefix, call), prefix .. 'members:' .. call, prefix .. 'gathered:' .. call
local r = redis.call('HMGET', keys.record, 'state', 'doubt', 'running', 'reported')
if r[1] ~= 'queued' or r[2] or r[3] then return 0 end
local safe_ms = tonumber(ARGV[3])
if r[4] and (safe_ms < 0 or math.abs(now_ms() - r[4]) < safe_ms) then return -1 end
local ids = redis.call('HVALS', map)
for _, id in ipairs(redis.call('LRANGE', list, 0, -1)) do ids[#ids + 1] = id end
local count = 0
for i = #ids, 1, -1 do
  local record = prefix .. 'record:' .. ids[i]
  local m = redis.call('HMGET', record, 'state', 'call')
  if m[1] == 'sending' and not m[2] then
    -- Claimed alone by a worker that had lost it: whoever sees to that attempt needs an entry.
    redis.call('LPUSH', ready, ids[i])
  elseif m[1] == 'queued' and (not m[2] or m[2] == call) then
    if m[2] then redis.call('HDEL', record, 'call') end
    redis.call('LPUSH', ready, ids[i])
    count = count + 1
  end
end
leave_aside(keys, call)
redis.call('DEL', keys.record, keys.body, map, list)
wake(wake_key)
return count

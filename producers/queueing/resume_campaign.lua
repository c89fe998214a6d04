-- Let a paused campaign go on: lift the pause, and give a part of what waits back to its queue.
-- KEYS: campaign, waiting, alert ready, alert wake, marketing ready, marketing wake
-- ARGV: 'lift', or 'more' to give back further parts; how many at most, key prefix
-- Returns 'resumed' | 'paused' (again, since it was lifted) | 'stopped' | 'unknown_id', and how many still wait.
-- Safe to repeat. 'more' also empties the list of a stopped campaign: what has ended is dropped.
local campaign, waiting = KEYS[1], KEYS[2]
local set = redis.call('HMGET', campaign, 'paused', 'stopped')
if ARGV[1] == 'lift' then
  if set[2] then return { 'stopped', redis.call('LLEN', waiting) } end
  if redis.call('EXISTS', campaign, waiting) == 0 then return { 'unknown_id', 0 } end
  redis.call('HDEL', campaign, 'paused')
elseif set[1] and not set[2] then
  return { 'paused', redis.call('LLEN', waiting) }
end
for _, id in ipairs(redis.call('LPOP', waiting, ARGV[2]) or {}) do
  local r = redis.call('HMGET', ARGV[3] .. 'record:' .. id, 'state', 'queue')
  if r[1] == 'queued' or r[1] == 'sending' then
    if r[2] == 'alert' then push(KEYS[3], KEYS[4], id) else push(KEYS[5], KEYS[6], id) end
  end
end
return { set[2] and 'stopped' or 'resumed', redis.call('LLEN', waiting) }

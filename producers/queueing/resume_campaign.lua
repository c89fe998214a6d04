-- Let a paused campaign go on: lift the pause, and give a part of what waits back to its queue.
-- Given: campaign, how ('lift', or 'more' to give back further parts), most
-- Returns 'resumed' | 'paused' (again, since it was lifted) | 'stopped' | 'unknown_id', and how many still wait. Safe to repeat.
-- 'more' also empties the list of a cancelled campaign: messages that have ended are dropped.
-- uses: campaign clock queue keys states metrics
local campaign = campaign_key(given.campaign)
local waiting, halt = waiting_key(campaign), halt_of(campaign)
if given.how == 'lift' then
  if halt == 'stopped' then return { 'stopped', redis.call('LLEN', waiting) } end
  if redis.call('EXISTS', campaign, waiting) == 0 then return { 'unknown_id', 0 } end
  redis.call('HDEL', campaign, 'paused')
elseif halt == 'paused' then
  return { 'paused', redis.call('LLEN', waiting) }
end
local gone_on = redis.call('LPOP', waiting, given.most) or {}
-- A worker of an older release has counted none of those that it put here.
if #gone_on > 0 and count_metric('paused', -#gone_on) < 0 then redis.call('HSET', prefix .. 'metrics', 'paused', 0) end
for _, id in ipairs(gone_on) do
  local send = read(keys_of(id).record, 'state', 'queue', 'due')
  if is_under_way(send.state) then
    -- What it has waited for its campaign is no delay of the queue.
    redis.call('HSET', keys_of(id).record, 'since', math.max(now, tonumber(send.due or 0)))
    push(queue_keys(send.queue), id)
  end
end
return { halt == 'stopped' and 'stopped' or 'resumed', redis.call('LLEN', waiting) }

-- Take a running job whose last worker is gone, or go on with one's own.
-- Given: owner, lease_ms
-- Returns the id of the job; an empty string if there is nothing to do. Safe to repeat.
-- uses: clock
local running = prefix .. 'bulks:running'
for _, job_id in ipairs(redis.call('ZRANGE', running, 0, 9)) do
  local job = prefix .. 'bulk:' .. job_id
  local mine = redis.call('HGET', job, 'owner') == given.owner
  -- A deadline further ahead than a lease lasts was set before the clock went back.
  local left = redis.call('ZSCORE', running, job_id) - now
  if mine or left <= 0 or left > given.lease_ms then
    redis.call('ZADD', running, now + given.lease_ms, job_id)
    redis.call('HSET', job, 'owner', given.owner)
    return job_id
  end
end
return ''

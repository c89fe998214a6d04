-- End a job: there is nothing left of it, or a person stops it. What it has queued by then stays queued.
-- Given: job_id, how ('done' or 'stopped'), owner (who works at it, or ''), by, keep_ms, audit_maxlen
-- Returns an empty string when it was done; or why not: 'gone', 'overtaken', or the state that the job is in. Safe to repeat.
-- uses: clock audit
local job = prefix .. 'bulk:' .. given.job_id
local known = read(job, 'state', 'owner', 'queued', 'left', 'not_replayable')
if known.state ~= 'running' then return known.state or 'gone' end
if given.owner ~= '' and known.owner ~= given.owner then return 'overtaken' end
redis.call('HSET', job, 'state', given.how, 'ended', now)
redis.call('PEXPIRE', job, given.keep_ms)
redis.call('ZREM', prefix .. 'bulks:running', given.job_id)
audit('replay_all_' .. given.how, 'job', given.job_id, 'queued', known.queued or 0, 'left', known.left or 0,
  'not_replayable', known.not_replayable or 0)
return ''

-- Let a planned replay of all that match begin.
-- Given: job_id, by, audit_maxlen
-- Returns an empty string when it was done; or why not: 'gone', or the state that the job is in by now. Safe to repeat.
-- uses: clock audit
local job = prefix .. 'bulk:' .. given.job_id
local known = read(job, 'state', 'match', 'total')
if known.state ~= 'planned' then return known.state or 'gone' end
redis.call('HSET', job, 'state', 'running', 'began', now, 'by', given.by)
redis.call('PERSIST', job)
redis.call('ZADD', prefix .. 'bulks:running', 0, given.job_id)
audit('replay_all', 'job', given.job_id, 'match', known.match, 'messages', known.total)
return ''

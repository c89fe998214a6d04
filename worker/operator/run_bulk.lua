-- Send the next messages of a job again. Only those that were parked when the job was planned, and still are: a message that ends once
-- more meanwhile is another decision.
-- Given: job_id, owner, state, code (of these messages), planned (when the job was, ms), cursor (behind these messages), messages
--   (each id, body: empty if there is none that could be sent)
-- Returns the state of the job; 'overtaken' if somebody else works at it by now, and 'gone'. Safe to repeat: a message that was sent
--   again is no longer parked.
-- uses: keys again
local job = prefix .. 'bulk:' .. given.job_id
local known = read(job, 'state', 'owner')
if known.state ~= 'running' then return known.state or 'gone' end
if known.owner ~= given.owner then return 'overtaken' end
local queued, not_replayable = 0, 0
for _, message in ipairs(given.messages) do
  local keys = keys_of(message.id)
  local before = read(keys.record, 'state', 'queue', 'campaign', 'recipients', 'parked', 'ended', 'to', 'stoppable')
  -- A record that lacks its end is damaged: it must not keep the others, since what they have done by then is not undone.
  local same = before.state == given.state and (before.parked or '') == given.code
    and (tonumber(before.ended) or math.huge) <= given.planned
  local body = same and redis.call('GET', keys.body)
  -- The clock may have gone back: a message that has this body was sent again already, and has ended since.
  if same and (not body or message.body == '') then
    not_replayable = not_replayable + 1
  elseif body and message.body ~= body then
    send_again(keys, message.id, before, message.body)
    queued = queued + 1
  end
end
redis.call('HSET', job, 'cursor', given.cursor)
redis.call('HINCRBY', job, 'queued', queued)
redis.call('HINCRBY', job, 'left', #given.messages - queued - not_replayable)
redis.call('HINCRBY', job, 'not_replayable', not_replayable)
return 'running'

-- Record what an attempt brought.
-- KEYS: the transition keys; inflight, attempts, ticket (or the record again when there is none)
-- ARGV: request_id, token, outcome, posts made, in doubt 0|1, code, message, ticket, cost, segments, contacts,
--       retention ms, statuses maxlen, key prefix
-- Outcomes: accepted | duplicate | refused | deferred | held | unknown
-- Returns 'recorded', state; or 'fenced', state when a later claim owns the record (nothing was changed).
-- Safe to repeat: the second call changes nothing and returns the state that the first one recorded.
local keys = transition_keys()
local inflight, attempts, ticket_key = KEYS[6], KEYS[7], KEYS[8]
local id, token, outcome, ticket = ARGV[1], ARGV[2], ARGV[3], ARGV[8]
local retention, maxlen, prefix = tonumber(ARGV[12]), ARGV[13], ARGV[14]
local now = now_ms()
local r = redis.call('HMGET', keys.record, 'state', 'token', 'running', 'doubt', 'ticket')
if r[2] ~= token then return { 'fenced', r[1] or 'gone' } end
if not r[3] then return { 'recorded', r[1] } end

redis.call('ZREM', inflight, id .. ':' .. token)
redis.call('ZREM', attempts, id)
-- An attempt that only found the account in trouble is not one of this message.
if outcome ~= 'held' then redis.call('HINCRBY', keys.record, 'attempts', ARGV[4]) end
redis.call('HDEL', keys.record, 'running')
local doubt = r[4] == '1' or ARGV[5] == '1' or outcome == 'unknown'
if ARGV[6] ~= '' or outcome ~= 'accepted' then redis.call('HSET', keys.record, 'code', ARGV[6], 'message', ARGV[7]) end

local put_off = outcome == 'deferred' or outcome == 'held'
if outcome == 'unknown' or (put_off and doubt) then
  redis.call('HSET', keys.record, 'doubt', 1)
  open_numbers(prefix, redis.call('GET', keys.body) or '', id, retention)
  return { 'recorded', 'sending' }
end
if put_off then
  redis.call('HSET', keys.record, 'state', 'queued')
  if outcome == 'held' then redis.call('HDEL', keys.record, 'first') end
  return { 'recorded', 'queued' }
end

local state
if outcome == 'accepted' then
  state = 'accepted'
  redis.call('HDEL', keys.record, 'code', 'message')
  if ticket ~= '' then
    redis.call('HSET', keys.record, 'ticket', ticket)
    redis.call('SET', ticket_key, id, 'PX', retention)
  end
  if ARGV[9] ~= '' then redis.call('HSET', keys.record, 'cost', ARGV[9]) end
  if ARGV[10] ~= '' then redis.call('HSET', keys.record, 'segments', ARGV[10]) end
  if ARGV[11] ~= '' then redis.call('HSET', keys.record, 'contacts', ARGV[11]) end
elseif outcome == 'duplicate' then
  -- Only an earlier attempt of ours whose fate was open makes a duplicate an acceptance.
  state = doubt and 'accepted' or 'unknown'
  if doubt then redis.call('HDEL', keys.record, 'code', 'message') end
elseif outcome == 'refused' then
  -- After an attempt of unknown outcome a refusal proves nothing about that attempt.
  state = doubt and 'unknown' or 'rejected'
end
-- A duplicate without an open POST of ours is perhaps somebody else's message, and so are its receipts.
local strange = outcome == 'duplicate' and not doubt
if ticket == '' and not r[5] and state ~= 'rejected' and not strange then
  open_numbers(prefix, redis.call('GET', keys.body) or '', id, retention)
elseif doubt then
  close_numbers(prefix, redis.call('GET', keys.body) or '', id)
end
end_record(keys, state, id, retention, maxlen, now)
return { 'recorded', state }

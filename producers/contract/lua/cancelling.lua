-- Cancelling a message that is in no attempt and in no doubt: none has begun, or the last one was surely not taken.

-- Cancel a message, with a code if there is one. Takes state, queue and call of its record. Returns whether it was in time. An entry that
-- is ready, leased or gathering may stay: its claim finds the end at the gate `ended`. A delayed entry goes at once, since it might lie
-- there for days.
local function cancel_waiting(keys, id, record, code)
  if record.state ~= 'queued' then return false end
  -- A message that shares a call can leave the call as long as the call itself waits. The body of the call is then made anew.
  if record.call then
    local call = keys_of(record.call).record
    if redis.call('HGET', call, 'state') ~= 'queued' then return false end
    redis.call('HDEL', call, 'composed')
  end
  local queue = queue_keys(record.queue)
  if redis.call('ZREM', queue.delayed, id) == 1 then redis.call('HDEL', queue.envelopes, id) end
  if code then
    redis.call('HSET', keys.record, 'code', code)
    redis.call('HDEL', keys.record, 'message')
  end
  end_record(keys, id, 'cancelled')
  return true
end
-- uses: keys queue record

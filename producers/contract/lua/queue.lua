-- The queues: entries, wake-ups, messages that gather to share a call.

-- The keys of a queue, as producers/contract/keys.py names them.
local function queue_keys(name)
  local ready = prefix .. 'queue:' .. name
  return { ready = ready, delayed = ready .. ':delayed', leases = ready .. ':leases', ending = ready .. ':ending',
    envelopes = ready .. ':envelopes', wake = ready .. ':wake', heard = ready .. ':heard', back = ready .. ':back',
    dead = ready .. ':dead' }
end

-- Wake one idle consumer of a queue. A few wake-ups are enough: a consumer that finds more than it can hold passes one on.
local function wake_consumer(queue)
  if redis.call('LLEN', queue.wake) < 16 then redis.call('RPUSH', queue.wake, '1') end
end

-- Wake a consumer if an entry waits: somebody may be waiting for a free call.
local function wake_if_ready(queue)
  if redis.call('EXISTS', queue.ready) == 1 then wake_consumer(queue) end
end

-- Put an entry at the end of a queue.
local function push(queue, id)
  redis.call('RPUSH', queue.ready, id)
  wake_consumer(queue)
end

-- Messages that may share a call gather in a list per share. A marker in the queue stands for all of them: it is there exactly
-- as long as the list is not empty. No request_id begins like a marker, and none like the id of a shared call.
local MARKER, CALL = '~', '@'
local function gather_key(share)
  return prefix .. 'gather:' .. share
end

local function gather(queue, share, id)
  if redis.call('RPUSH', gather_key(share), id) == 1 then push(queue, MARKER .. share) end
end

local function is_call(id)
  return string.sub(id, 1, 1) == CALL
end

-- Forwarders: what each keeps of the events that it has still to deliver. Takes forward, its name, from what the script is given.

-- The keys of the forwarder, as producers/contract/keys.py names them.
local function forward_keys()
  local forward = prefix .. 'forward:' .. given.forward
  return { forward = forward, waiting = forward .. ':waiting', due = forward .. ':due', leases = forward .. ':leases',
    failing = forward .. ':failing', dead = forward .. ':dead' }
end

local function event_key(id)
  return prefix .. 'event:' .. given.forward .. ':' .. id
end

-- Let an event wait for its delivery from some time on, under its own name. Returns whether it is new.
local function await(keys, event, due)
  if redis.call('ZSCORE', keys.waiting, event.id) then return false end
  -- First what may be refused.
  redis.call('HSET', event_key(event.id), 'stream', event.stream, 'entry', event.entry, 'fields', cmsgpack.pack(event.fields),
    'attempts', 0)
  redis.call('ZADD', keys.waiting, now, event.id)
  redis.call('ZADD', keys.due, due, event.id)
  return true
end

-- Forget an event that needs no more delivery.
local function forget(keys, id)
  redis.call('ZREM', keys.waiting, id)
  redis.call('ZREM', keys.due, id)
  redis.call('ZREM', keys.leases, id)
  redis.call('DEL', event_key(id))
end
-- uses: clock

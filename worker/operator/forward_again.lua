-- Let events be delivered once more, or at once, under the name that they have: a person decided so. An event that waits is known
-- already: its stream is '', and it has no fields.
-- Given: forward (its name), events (each id, stream, entry, fields, letter: its id among the dead letters or ''), first (whether they
--   come before all others), room (events that may wait at most), action (for the audit), by, audit_maxlen
-- Returns how many will be delivered, and how many have no room: from the first one without room on, all. Safe to repeat: an event that
--   waits already is not doubled, and begins anew; a dead letter is replayed once.
-- uses: clock forwards audit
local keys, done, left = forward_keys(), 0, #given.events
local due = given.first and 0 or now

-- Whether a dead letter went since it was read: somebody else replayed it, and it may have been delivered by now. An event that waited
-- has been delivered, or given up.
local function is_gone(event)
  if event.letter ~= '' then return #redis.call('XRANGE', keys.dead, event.letter, event.letter) == 0 end
  return event.stream == '' and not redis.call('ZSCORE', keys.waiting, event.id)
end

-- Let one event be delivered; returns whether there is room.
local function deliver(event)
  if not await(keys, event, due) then
    redis.call('HSET', event_key(event.id), 'attempts', 0)
    redis.call('ZADD', keys.due, 'XX', 'LT', due, event.id)
  elseif redis.call('ZCARD', keys.waiting) > given.room then
    forget(keys, event.id)
    return false
  end
  if event.letter ~= '' then redis.call('XDEL', keys.dead, event.letter) end
  done = done + 1
  return true
end

for _, event in ipairs(given.events) do
  if not is_gone(event) and not deliver(event) then break end
  left = left - 1
end
if done > 0 then audit(given.action, 'forward', given.forward, 'events', done) end
return { done, left }

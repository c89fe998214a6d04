-- Let events be delivered once more, or at once, under the name that they have: a person decided so.
-- Given: forward (its name), events (each id, stream, entry, fields, letter: its id among the dead letters or ''), first (whether they
--   come before all others), room (events that may
--   wait at most), action (for the audit), by, audit_maxlen
-- Returns how many will be delivered: from the first one that has no room on, none. Safe to repeat: an event that waits already is
--   not doubled, and begins anew.
-- uses: clock forwards audit
local keys, done = forward_keys(), 0
local due = given.first and 0 or now
for _, event in ipairs(given.events) do
  if not await(keys, event, due) then
    redis.call('HSET', event_key(event.id), 'attempts', 0)
    redis.call('ZADD', keys.due, 'XX', 'LT', due, event.id)
  elseif redis.call('ZCARD', keys.waiting) > given.room then
    forget(keys, event.id)
    break
  end
  if event.letter ~= '' then redis.call('XDEL', keys.dead, event.letter) end
  done = done + 1
end
if done > 0 then audit(given.action, 'forward', given.forward, 'events', done) end
return done

-- Send a parked message again, because a person decided so.
-- Given: id, states (from which it may be sent again), body (the new one), action (for the audit), by, audit_maxlen
-- Returns 'done'; or why not: 'gone', 'body_lost', or the state of the message. Safe to repeat: a message that was sent again is no
--   longer parked.
-- uses: keys again audit
local keys = keys_of(given.id)
local before = read(keys.record, 'state', 'queue', 'campaign', 'recipients', 'parked', 'to', 'stoppable')
if not before.state then return 'gone' end
local may = false
for _, state in ipairs(given.states) do may = may or state == before.state end
if not may then return before.state end
local body = redis.call('GET', keys.body)
if not body then return 'body_lost' end
-- Somebody else has sent it again since its body was read, and it has ended since: the gateway may know this body's id.
if body == given.body then return before.state end
send_again(keys, given.id, before, given.body)
audit(given.action, 'request_id', given.id, 'before', before.state, 'after', 'queued')
return 'done'

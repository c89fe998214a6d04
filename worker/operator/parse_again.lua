-- Put a callback out of the quarantine back among those that wait to be processed, as if it had come once more at its own time.
-- If nobody can place it this time either, it comes back to the quarantine as a new entry.
-- Given: id (of its entry in the quarantine), kind (that it is to be read as, or '' as it says itself), received (when it came, ms),
--   callback (a new id for the raw callback), by, audit_maxlen
-- Returns 'done'; or why not: 'gone', 'cut' (it was too long to be kept whole). Safe to repeat: only the first call finds the entry.
-- uses: queue audit
local found = redis.call('XRANGE', prefix .. 'quarantine', given.id, given.id)[1]
if not found then return 'gone' end
local fields = {}
for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
if string.sub(fields.raw, 1, 7) == '{"cut":' then return 'cut' end
redis.call('HSET', prefix .. 'callback:' .. given.callback, 'kind', given.kind, 'raw', fields.raw, 'only', '', 'received',
  given.received)
push(queue_keys('callbacks'), given.callback)
-- Else it could not come back under its name.
redis.call('DEL', prefix .. 'seen:' .. fields.event_id)
redis.call('XDEL', prefix .. 'quarantine', given.id)
audit('parse_again', 'event_id', fields.event_id, 'reason', fields.reason, 'kind', given.kind)
return 'done'

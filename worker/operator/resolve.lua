-- Call an unknown send accepted, because a person found out that it was.
-- Given: id, retention_ms, maxlen, by, audit_maxlen
-- Returns 'done'; or why not: 'gone', or the state of the message. Safe to repeat.
-- uses: keys record audit
local keys = keys_of(given.id)
local state = redis.call('HGET', keys.record, 'state')
if state ~= 'unknown' then return state or 'gone' end
end_record(keys, given.id, 'accepted')
audit('resolve', 'request_id', given.id, 'before', state, 'after', 'accepted')
return 'done'

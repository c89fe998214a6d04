-- Take an event about a person from a forwarder that has still to deliver it.
-- Given: forward (its name), id (of the event)
-- Returns 1, or 0 when it was delivered or given up meanwhile. Safe to repeat.
-- uses: forwards
local keys = forward_keys()
local was_there = redis.call('EXISTS', event_key(given.id))
redis.call('ZREM', keys.failing, given.id)
forget(keys, given.id)
return was_there

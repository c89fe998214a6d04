-- Open a gate, because an operator decided so. What waits there is given back by give_back.lua.
-- Given: gate, by, audit_maxlen
-- Returns 1 when the gate was shut, else 0. Safe to repeat.
-- uses: audit
local gates = prefix .. 'gates'
local facts = redis.call('HGET', gates, given.gate)
if not facts then return 0 end
redis.call('HDEL', gates, given.gate)
if given.gate == 'credit' then redis.call('DEL', prefix .. 'credit') end
audit('release', 'gate', given.gate, 'code', cjson.decode(facts).code)
return 1

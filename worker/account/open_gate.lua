-- Open a gate, because an operator decided so.
-- KEYS: gates, credit, audit
-- ARGV: name, who, audit maxlen
-- Returns 1 when it was there, else 0. Who waits there is given back after: see give_back.lua. Safe to repeat.
local facts = redis.call('HGET', KEYS[1], ARGV[1])
if not facts then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
if ARGV[1] == 'credit' then redis.call('DEL', KEYS[2]) end
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', 'v', '1', 'action', 'release', 'gate', ARGV[1], 'by', ARGV[2],
  'code', cjson.decode(facts).code, 'at', stamp(now_ms()))
return 1

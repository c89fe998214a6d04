-- Begin to erase a person: no marketing from now on, no consent, no count of alerts, and nothing that the network tells about messages
-- that are gone.
-- Given: pseudonym, pseudonyms (under every key, that one first), retention_ms, by, audit_maxlen
-- Returns 1, or 0 when this person was erased before. Safe to repeat: the date of the first time stays; each time has its audit entry.
-- uses: clock audit suppressed optouts
local field, erased = ACCOUNT .. '|' .. given.pseudonym, prefix .. 'erased'
-- A STOP can be lifted by who wrote it; this cannot, so it takes the place of a STOP.
local is_first = reasons_of({ field })[1] ~= 'erasure'
if is_first then suppress(given.pseudonym, ACCOUNT, { reason = 'erasure', at = now, event = '' }) end
redis.call('HDEL', prefix .. 'consent', unpack(given.pseudonyms))
-- How many alerts the person got in the days, of UTC, that are still counted.
local DAY = 86400000
for ago = 0, 1 do redis.call('HDEL', prefix .. 'caps:' .. (math.floor(now / DAY) - ago), unpack(given.pseudonyms)) end
redis.call('ZREMRANGEBYSCORE', erased, '-inf', now - given.retention_ms)
redis.call('ZADD', erased, now, given.pseudonym)
redis.call('PEXPIRE', erased, given.retention_ms)
audit('erase', 'person', given.pseudonym)
return is_first and 1 or 0

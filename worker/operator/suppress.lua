-- Suppress a number because a person decided so, or lift that; and tell it.
-- Given: optout (action, reason, pseudonyms, at, event: see lua/optouts.lua), scope, fields (of the entry on optouts, names and values by
--   turns), number (masked), why, keys, retention_ms, maxlen, by, audit_maxlen
-- Returns 'pseudonym keys have changed'; or a list: 1 if anything was done, 0 if there was nothing to lift, and how many messages were
--   cancelled. Safe to repeat: each time has an entry on optouts and one in the audit.
-- uses: known_key audit optouts metrics
if not is_key_known() then return KEYS_HAVE_CHANGED end

if not carry_out(given.optout, given.scope, given.fields) then return { 0, 0 } end
redis.call('XADD', prefix .. 'optouts', '*', unpack(given.fields))
local cancelled = 0
for i = 1, #given.fields, 2 do
  if given.fields[i] == 'cancelled' then cancelled = tonumber(given.fields[i + 1]) end
end
if given.optout.action == 'out' then count_metric('optouts:operator', 1) end
audit(given.optout.action == 'out' and 'suppress' or 'lift', 'number', given.number, 'scope', given.scope, 'why', given.why)
return { 1, cancelled }

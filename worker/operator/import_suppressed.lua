-- Suppress some of a list, and cancel what waits for them.
-- Given: people (each optout, scope), keys, retention_ms, maxlen. An optout has reason, pseudonyms, at, event: see lua/optouts.lua.
-- Returns 'pseudonym keys have changed', or how many messages were cancelled. Safe to repeat.
-- uses: known_key optouts
if not is_key_known() then return KEYS_HAVE_CHANGED end

local cancelled = 0
for _, person in ipairs(given.people) do cancelled = cancelled + #opt_out(person.optout, person.scope) end
return cancelled

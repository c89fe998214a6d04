-- Append an entry to the audit stream, for an action that no script of its own audits.
-- Given: action, by, about (names and values by turns), audit_maxlen
-- Returns the id of the entry. Not safe to repeat: each call appends an entry.
-- uses: audit
return audit(given.action, unpack(given.about))

-- Let a block of numbers get alerts again, because an operator decided so.
-- Given: block, by, audit_maxlen
-- Returns 1 when it was blocked, else 0. Safe to repeat.
-- uses: audit
if redis.call('ZREM', prefix .. 'blocked', given.block) == 0 then return 0 end
-- What comes next is told and judged anew.
redis.call('DEL', prefix .. 'alarmed:' .. given.block)
audit('lift', 'block', given.block)
return 1

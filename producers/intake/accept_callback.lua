-- Store one raw callback and queue its processing, unless its token has brought too much lately.
-- Given: id, kind (as the URL says, or ''), raw (the body), only (the kind that the token may bring, or '' for any), token (its name),
--   sort (of the body), most (bytes of this sort that the token may bring in a minute)
-- Returns 1, or 0 when nothing was stored. Not safe to repeat: each call stores a callback. Its events are published once all the
--   same.
-- uses: clock queue
local taken, callback = prefix .. 'taken:' .. given.token .. ':' .. given.sort, prefix .. 'callback:' .. given.id
-- What a callback takes beside its body, so that many small ones count, too.
local cost = #given.raw + 256
if tonumber(redis.call('GET', taken) or 0) + cost > given.most then return 0 end
if redis.call('INCRBY', taken, cost) == cost then redis.call('PEXPIRE', taken, 60000) end
redis.call('HSET', callback, 'kind', given.kind, 'raw', given.raw, 'only', given.only, 'received', now)
push(queue_keys('callbacks'), given.id)
return 1

-- Store one raw callback and queue its processing, unless its token has brought too much lately.
-- Given: id, kind (as the URL says, or ''), raw (the body), only (the kind that the token may bring, or '' for any), token (its name),
--   sort (of the body), age_ms (since it came), most (bytes of this sort that the token may bring in a minute; 0 for a callback that
--   was counted when it came), probe (name of the probe that the body may be, or '')
-- Returns 1, or 0 when nothing was stored. A probe that somebody awaits is noted and not stored, and 1 as well; a second one like it is stored
--   as any callback is. Safe to repeat with the same id as far as its events go: each is published once.
-- uses: clock queue
if given.probe ~= '' then
  local probe = prefix .. 'probe:' .. given.probe
  if redis.call('GET', probe) == 'awaited' then
    redis.call('SET', probe, 'arrived', 'KEEPTTL')
    return 1
  end
end
local callback = prefix .. 'callback:' .. given.id
if given.most > 0 then
  local taken = prefix .. 'taken:' .. given.token .. ':' .. given.sort
  -- What a callback takes beside its body, so that many small ones count, too.
  local cost = #given.raw + 256
  if tonumber(redis.call('GET', taken) or 0) + cost > given.most then return 0 end
  if redis.call('INCRBY', taken, cost) == cost then redis.call('PEXPIRE', taken, 60000) end
end
redis.call('HSET', callback, 'kind', given.kind, 'raw', given.raw, 'only', given.only, 'received', now - given.age_ms)
push(queue_keys('callbacks'), given.id)
return 1

-- Take what a raw callback says about a person out of it, or delete it.
-- Given: id, raw (what is left of its bytes, '' when nothing is)
-- Returns 1, or 0 when it was processed meanwhile. Safe to repeat.
-- uses:
local callback = prefix .. 'callback:' .. given.id
if redis.call('EXISTS', callback) == 0 then return 0 end
if given.raw == '' then
  redis.call('DEL', callback)
else
  redis.call('HSET', callback, 'raw', given.raw)
end
return 1

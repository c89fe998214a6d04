-- Note how many replicas confirm what is written. If more do than before, begin an era. One of them was away, perhaps as a primary that was
-- cut off: what it took and sent meanwhile is forgotten now. Applications and people repeat that, and may have begun to while it was away:
-- so what waits leaves alone, and so does what is queued for a while. What was noted lies in Redis, since a worker may have been started anew
-- meanwhile.
-- Given: replicas (that confirm now).
-- Returns 1 if an era began, else 0. Safe to repeat: what is noted by then begins no other.
-- uses: eras
local key = prefix .. 'memory'
local known = read(key, 'replicas', 'era')
redis.call('HSET', key, 'replicas', given.replicas)
if given.replicas <= tonumber(known.replicas or given.replicas) then return 0 end
-- The first era is that of this server: without its mark the next call that is composed would begin another one.
if known.era then begin_era(known.era) else current_era() end
return 1

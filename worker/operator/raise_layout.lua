-- Give the data a newer layout: from now on all scripts write it, and releases that do not serve it touch nothing.
-- Given: layout (the new one), alive_ms, workers_max, by, audit_maxlen
-- Returns the layout that the data have now, and how many live workers do not serve the new one: then nothing is changed.
-- Safe to repeat: the layout is raised once.
-- uses: audit clock
local older = 0
for _, name in ipairs(redis.call('ZRANGEBYSCORE', prefix .. 'workers', now - given.alive_ms, '+inf', 'LIMIT', 0, given.workers_max)) do
  -- Workers of the first releases do not tell.
  if tonumber(string.match(name, '^[^ /]*/(%d+)') or 1) < given.layout then older = older + 1 end
end
if older > 0 or layout >= given.layout then return { layout, older } end

redis.call('SET', prefix .. 'layout', given.layout)
audit('raise_layout', 'from', layout, 'to', given.layout)
return { given.layout, 0 }

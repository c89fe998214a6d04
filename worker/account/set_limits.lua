-- Change the limits that operators set live.
-- Given: rate, in_flight (none leaves a limit as it is, 'default' gives it back to the workers' own setting), by, audit_maxlen
-- Returns 1, or 0 when there is nothing to change. Safe to repeat: each time appends an audit entry.
-- uses: audit
if not (given.rate or given.in_flight) then return 0 end
local function change(name, limit)
  if limit == 'default' then
    redis.call('HDEL', prefix .. 'limits', name)
  elseif limit then
    redis.call('HSET', prefix .. 'limits', name, limit)
  end
end
change('rate', given.rate)
change('in_flight', given.in_flight)
audit('limits', 'rate', given.rate or '', 'in_flight', given.in_flight or '')
return 1

-- Change the limits that operators set live.
-- Given: rate, in_flight (none leaves a limit as it is, 'default' gives it back to the workers' own setting), by, audit_maxlen
-- Returns 1, or 0 when there is nothing to change. Safe to repeat: each time appends an audit entry.
-- uses: audit
if not (given.rate or given.in_flight) then return 0 end
local limits = prefix .. 'limits'
if given.rate == 'default' then
  redis.call('HDEL', limits, 'rate')
elseif given.rate then
  redis.call('HSET', limits, 'rate', given.rate)
end
if given.in_flight == 'default' then
  redis.call('HDEL', limits, 'in_flight')
elseif given.in_flight then
  redis.call('HSET', limits, 'in_flight', given.in_flight)
end
audit('limits', 'rate', given.rate or '', 'in_flight', given.in_flight or '')
return 1

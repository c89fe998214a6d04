-- Alarms: what somebody should look at, on a stream of their own. Takes maxlen from what the script is given.

-- Tell an alarm. value and limit are in the unit of its kind: see producers/contract/events.py.
local function alarm(kind, scope, level, value, limit)
  redis.call('XADD', prefix .. 'alarms', 'MAXLEN', '~', given.maxlen, '*', 'v', '1', 'kind', kind, 'scope', scope,
    'level', level, 'value', plain_amount(value), 'limit', plain_amount(limit), 'at', stamp(now))
end

-- Write micro-euros as euros.
local function in_euros(micros)
  return string.format('%.6f', micros / 1000000)
end
-- uses: clock amounts

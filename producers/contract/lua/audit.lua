-- What operators decided, for the audit stream. Takes by and audit_maxlen from what the script is given. Returns the id of the
-- entry.

local function audit(action, ...)
  count_metric('actions:' .. action, 1)
  return redis.call('XADD', prefix .. 'audit', 'MAXLEN', '~', given.audit_maxlen, '*', 'v', '1', 'action', action, 'by', given.by,
    'at', stamp(now), ...)
end
-- uses: clock metrics

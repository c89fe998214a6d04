-- What operators decided, for the audit stream. Takes by and audit_maxlen from what the script is given.

local function audit(action, ...)
  redis.call('XADD', prefix .. 'audit', 'MAXLEN', '~', given.audit_maxlen, '*', 'v', '1', 'action', action, 'by', given.by,
    'at', stamp(now), ...)
end
-- uses: clock

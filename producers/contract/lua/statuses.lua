-- What applications are told about their messages. Takes maxlen from what the script is given.

-- Tell the applications about the state of a record. Takes ticket, code, message, cost, segments, attempts, context and
-- held_until of it, too.
local function tell(id, r)
  redis.call('XADD', prefix .. 'statuses', 'MAXLEN', '~', given.maxlen, '*', 'v', '1', 'request_id', id,
    'state', r.state or '', 'ticket', r.ticket or '', 'code', r.code or '', 'message', r.message or '', 'cost', plain_amount(r.cost or ''),
    'segments', r.segments or '', 'attempt', r.attempts or '0', 'at', stamp(now), 'context', r.context or '',
    'held_until', r.held_until and stamp(tonumber(r.held_until)) or '')
end
-- uses: clock amounts

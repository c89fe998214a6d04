-- Fill a Redis directly, for tests. KEYS[1]: prefix. ARGV: what (replies, sends or others), from, up to, ms of number 0, and whatever
-- else is asked for. Everything lies where the scripts of the project put it.
local prefix, from, upto, now = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local call = redis.call
local function number(i) return string.format('+336%08d', 12000000 + i % 5000000) end

local function fill_replies()
  local countries = { 'FR', 'FR', 'FR', 'FR', 'FR', 'FR', 'FR', 'BE', 'CH', 'ZZ' }
  local matches = { 'ticket', 'ticket', 'number', 'none' }
  local counted = {}
  for i = from, upto - 1 do
    local at, country, match = now + i * 250, countries[i % 10 + 1], matches[i % 4 + 1]
    local id = string.format('%.0f-0', at)
    call('XADD', prefix .. 'replies', id, 'v', '1', 'event_id', 'reply' .. i, 'request_id', match ~= 'none' and 'send-' .. i or '',
      'ticket', match == 'ticket' and 'sms_' .. i or '', 'number', number(i), 'text', 'Oui, table ' .. i .. ' at eight, thank you',
      'short_number', '38200', 'received_at', '2026-11-12T14:03:00Z', 'gateway_date', '2026-11-12 15:03:00', 'country',
      country ~= 'ZZ' and country or '', 'match', match, 'context', '{"booking":42}', 'raw', '{"text":"Oui"}')
    call('ZADD', prefix .. 'replies:by:' .. country, at, id)
    counted[country] = (counted[country] or 0) + 1
    if i % 20 == 0 then
      local talk = prefix .. 'talk:' .. ARGV[5 + (i - from) / 20]
      call('ZADD', talk, at, 'in:' .. id)
    end
  end
  for country, count in pairs(counted) do call('HINCRBY', prefix .. 'replies:countries', country, count) end
end

local function fill_sends()
  local codes = { '121', '122', '123', '130', '140', '150', '160', '170', '180', '190' }
  for i = from, upto - 1 do
    local id, at, kind = 'send-' .. i, now + i * 250, i % 100
    local record, queue = prefix .. 'record:' .. id, i % 3 == 0 and 'alert' or 'marketing'
    local ready = prefix .. 'queue:' .. queue
    local function noted(state, ...)
      call('HSET', record, 'v', 1, 'state', state, 'digest', 'd', 'queue', queue, 'queued', at, 'segments', 1, 'context', '{"booking":42}', ...)
    end
    local function has_body()
      call('SET', prefix .. 'body:' .. id, '{"recipients":[{"phone_number":"' .. number(i) .. '"}],"text":"Your table is ready",'
        .. '"sender":"Bistro","type":"sms_premium","purpose":"alert","request_id":"' .. id .. '","auto_optimize_text":true}')
    end
    local function told(state, code)
      call('XADD', prefix .. 'statuses', string.format('%.0f-0', at), 'v', '1', 'request_id', id, 'state', state, 'ticket', '',
        'code', code, 'message', '', 'cost', '0.049', 'segments', '1', 'attempt', '1', 'at', '2026-11-12T14:03:00Z', 'context', '')
    end
    if kind < 90 then
      noted('accepted', 'ticket', 'sms_' .. i, 'cost', '0.049', 'attempts', 1, 'first', at, 'ended', at + 900)
      call('SET', prefix .. 'ticket:sms_' .. i, id)
      call('HSET', prefix .. 'deliveries:' .. id, number(i), '2|2026-11-12T14:03:00+00:00|DELIVERED')
      told('accepted', '')
    elseif kind < 94 then
      local state, code = kind == 90 and 'unknown' or 'rejected', codes[i % 10 + 1]
      noted(state, 'code', code, 'attempts', 1, 'first', at, 'ended', at, 'parked', code)
      has_body()
      for _, key in ipairs({ 'parked', 'parked:' .. state .. ':' .. code }) do call('ZADD', prefix .. key, at, id) end
      call('ZADD', prefix .. 'parked:groups', at, state .. ':' .. code)
      told(state, code)
    elseif kind < 97 then
      noted('queued')
      has_body()
      call('RPUSH', ready, id)
    elseif kind < 99 then
      noted('queued', 'due', at + 4e10)
      has_body()
      call('ZADD', ready .. ':delayed', at + 4e10, id)
    else
      noted('sending', 'token', 1, 'running', 1, 'first', at)
      has_body()
      call('ZADD', prefix .. 'attempt_leases', at, id .. ':1')
      call('ZADD', prefix .. 'attempt_starts', at, id)
    end
  end
end

local function fill_others()
  for i = from, upto - 1 do
    local id, at = 'campaign-' .. i, now + i * 250
    call('HSET', prefix .. 'campaign:' .. id, 'started', at, 'recipients', 60000, 'slices', 120, 'accepted', 50000, 'rejected', 100,
      'cost', '2450.00', 'complete', at)
    call('ZADD', prefix .. 'campaigns', at, id)
    call('XADD', prefix .. 'optouts', '*', 'v', '1', 'event_id', 'stop' .. i, 'request_id', '', 'ticket', '', 'number', number(i),
      'text', 'STOP', 'at', '2026-11-12T14:03:00Z', 'raw', '{}')
    call('HSET', prefix .. 'suppressed', string.format('account|%022d', i), string.format('%.0f|operator|import', at))
    call('XADD', prefix .. 'alarms', '*', 'v', '1', 'kind', 'credit_low', 'scope', 'account', 'level', '', 'value', '8.2', 'limit',
      '10', 'at', '2026-11-12T14:03:00Z')
    call('ZADD', prefix .. 'blocked', now + 4e10, string.format('+336%05d', i))
    call('XADD', prefix .. 'audit', '*', 'v', '1', 'action', 'replay', 'by', 'ben@console', 'at', '2026-11-12T14:03:00Z', 'request_id',
      'send-' .. i)
    call('XADD', prefix .. 'quarantine', '*', 'v', '1', 'event_id', 'q' .. i, 'reason', 'no_number', 'received_at',
      '2026-11-12T14:03:00+00:00', 'raw', '{"from":"' .. number(i) .. '","x":"' .. string.rep('y', 200) .. '"}')
    local event = 'event:' .. ARGV[5] .. ':e' .. i
    call('HSET', prefix .. event, 'stream', 'replies', 'attempts', 1, 'why', 'http_503')
    call('ZADD', prefix .. 'forward:' .. ARGV[5] .. ':waiting', at, 'e' .. i)
    call('ZADD', prefix .. 'forward:' .. ARGV[5] .. ':due', at, 'e' .. i)
    call('XADD', prefix .. 'forward:' .. ARGV[5] .. ':dead', '*', 'forward_id', 'd' .. i, 'forward_stream', 'replies', 'forward_entry',
      '1-1', 'forward_attempts', 8, 'forward_why', 'http_404', 'forward_at', '2026-11-12T14:03:00.000Z')
    call('XADD', prefix .. 'replies:poison:' .. ARGV[5], '*', 'v', '1', 'number', number(i), 'text', 'Oui', 'entry_id', '1-1',
      'deliveries', 5)
  end
end

if ARGV[1] == 'replies' then
  fill_replies()
elseif ARGV[1] == 'sends' then
  fill_sends()
else
  fill_others()
end

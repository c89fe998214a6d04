-- Give an entry that a group has given up back to that group, and to no other reader of the stream.
-- The entry becomes one that the group holds and that nobody has handled for a day: the next consumer that looks for stalled entries
-- takes it, with a fresh count of deliveries. Nothing is appended to the stream.
-- Given: stream, group, id (of the entry in the poison stream), by, audit_maxlen
-- Returns 'done'; or why not: 'gone' (it is not in the poison stream), 'trimmed' (the stream has dropped the entry), 'no_group'. Safe to
--   repeat: only the first call finds the entry.
-- uses: audit
local stream = prefix .. given.stream
local poison, DAY_MS = stream .. ':poison:' .. given.group, 86400000
-- The holder until a consumer takes over. No consumer has such a name.
local NOBODY = 'replayed'

local function field_of(entry, name)
  for i = 1, #entry[2], 2 do
    if entry[2][i] == name then return entry[2][i + 1] end
  end
end

local function is_there()
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
    if group[2] == given.group then return true end
  end
  return false
end

local given_up = redis.call('XRANGE', poison, given.id, given.id)[1]
if not given_up then return 'gone' end
local id = field_of(given_up, 'entry_id')
if not id or #redis.call('XRANGE', stream, id, id) == 0 then return 'trimmed' end
if not is_there() then return 'no_group' end
redis.call('XCLAIM', stream, given.group, NOBODY, 0, id, 'IDLE', DAY_MS, 'RETRYCOUNT', 0, 'FORCE', 'JUSTID')
redis.call('XDEL', poison, given.id)
audit('replay_poison', 'stream', given.stream, 'group', given.group, 'entry_id', id)
return 'done'

-- Append events to their streams, each once, in order.
-- KEYS: replies, receipts, optouts, quarantine
-- ARGV: retention ms, stream maxlen, key prefix; then per event: event_id, stream 1-4 as in KEYS, request_id or '',
--       number, rank, delivery value, how many fields and values, and these. The keys of marks and deliveries are
--       derived from the prefix. Without a request_id there is no delivery to note.
-- Returns per event 1 when appended, 0 when it was there already. Safe to repeat.
local streams = { KEYS[1], KEYS[2], KEYS[3], KEYS[4] }
local retention, maxlen, prefix = ARGV[1], ARGV[2], ARGV[3]

-- Receipts come in any order: a status never gives way to one of a lower rank, nor a final one to its like.
local function note_delivery(deliveries, number, rank, value)
  local known = redis.call('HGET', deliveries, number)
  local before = known and tonumber(string.match(known, '^(%d+)|')) or -1
  if rank > before or (rank == before and rank == 0) then redis.call('HSET', deliveries, number, value) end
  redis.call('PEXPIRE', deliveries, retention)
end

local result, i = {}, 4
while i < #ARGV do
  local first, last = i + 7, i + 6 + ARGV[i + 6]
  local fresh = redis.call('SET', prefix .. 'seen:' .. ARGV[i], '1', 'NX', 'PX', retention)
  if fresh then
    redis.call('XADD', streams[tonumber(ARGV[i + 1])], 'MAXLEN', '~', maxlen, '*', unpack(ARGV, first, last))
    if ARGV[i + 2] ~= '' then
      note_delivery(prefix .. 'deliveries:' .. ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4]), ARGV[i + 5])
    end
  end
  result[#result + 1] = fresh and 1 or 0
  i = last + 1
end
return result

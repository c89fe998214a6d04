-- Append an event to its stream, once.
-- KEYS: stream, seen, deliveries (or the stream again when there is nothing to record)
-- ARGV: retention ms, stream maxlen, number or '', rank, delivery value, then the entry's fields and values
-- Returns 1 when appended, 0 when this event was there already. Safe to repeat.
local stream, seen, deliveries = unpack(KEYS)
local retention, maxlen, number, rank = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
if not redis.call('SET', seen, '1', 'NX', 'PX', retention) then return 0 end
redis.call('XADD', stream, 'MAXLEN', '~', maxlen, '*', unpack(ARGV, 6))
if number ~= '' then
  -- Receipts come in any order: a status never gives way to one of a lower rank, nor a final one to its like.
  local known = redis.call('HGET', deliveries, number)
  local before = known and tonumber(string.match(known, '^(%d+)|')) or -1
  if rank > before or (rank == before and rank == 0) then
    redis.call('HSET', deliveries, number, ARGV[5])
  end
  redis.call('PEXPIRE', deliveries, retention)
end
return 1

-- A send waits while the attempt of another worker runs. When the lease of that attempt has run out, its worker never reported: its
-- POST may have arrived, so the send is in doubt. Takes lease_ms and retention_ms from what the script is given.
local attempt_gate = new_gate('attempt')

function attempt_gate.keep(send)
  if not send.record.running then return end
  local leases, lease = prefix .. 'attempt_leases', send.id .. ':' .. send.token
  local deadline = tonumber(redis.call('ZSCORE', leases, lease) or 0)
  -- Never longer than a lease: a deadline further ahead was set before the clock went back.
  if deadline > now then return { 'wait', math.min(given.lease_ms, math.ceil(deadline - now)) } end
  redis.call('ZREM', leases, lease)
  redis.call('ZREM', prefix .. 'attempt_starts', send.id)
  redis.call('HINCRBY', send.keys.record, 'attempts', 1)
  count_metric('errors:worker_lost', 1)
  redis.call('HSET', send.keys.record, 'doubt', 1, 'code', 'worker_lost')
  redis.call('HDEL', send.keys.record, 'running')
  send.doubt = true
  await_ticket(send.id)
end
-- uses: clock unticketed admission metrics

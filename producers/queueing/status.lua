-- Read what is known of a send, in one step.
-- Given: id
-- Returns the record and the deliveries as lists of names and values; then of the call that the send waits or leaves with: state,
--   attempts, code, message, first, held, held_until; an empty list without one; then of the gate that keeps the send: name, facts,
--   estimated price; an empty list without one; then the time now, ms. Safe to repeat.
-- uses: keys clock deliveries
local record = keys_of(given.id).record
local send = read(record, 'state', 'call')
local call, aside = {}, {}
if send.state == 'queued' then
  local waits = send.call and keys_of(send.call).record or record
  if send.call then
    for i, value in ipairs(redis.call('HMGET', waits, 'state', 'attempts', 'code', 'message', 'first', 'held', 'held_until')) do
      call[i] = value or ''
    end
  end
  local gate = read(waits, 'aside', 'price')
  if gate.aside then
    aside = { gate.aside, redis.call('HGET', prefix .. 'gates', gate.aside) or '{}', gate.price or '' }
  end
end
return { redis.call('HGETALL', record), redis.call('HGETALL', deliveries_key(given.id)), call, aside, now }

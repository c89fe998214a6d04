-- A send ends when nobody may try it any longer: too long after its first attempt, when its time to live is over, or when its body
-- is gone. Takes window_ms from what the script is given.
local lifetime_gate = new_gate('lifetime')

-- Whether a send is over because it was held for longer than it could be tried: its record says so then.
local function blame_what_held(send, ends)
  if not send.record.held then return end
  local r = read(send.keys.record, 'held', 'held_until')
  blame_held(send.keys, r.held, r.held_until, ends)
end

local function end_send(send, state)
  if send.doubt then state = 'unknown' end
  if send.doubt and send.record.adopted then
    -- The callback that brought the ticket is proof: somebody has the text.
    state = 'accepted'
    redis.call('HDEL', send.keys.record, 'code', 'message', 'held_until')
  end
  if send.record.members then
    end_call(send.keys, send.id, state)
  else
    end_record(send.keys, send.id, state)
  end
  return { 'ended', state, redis.call('HGET', send.keys.record, 'code') or '' }
end

-- When the window of a send is over; never if no attempt has begun it.
local function window_ends(send)
  return tonumber(send.record.first or math.huge) + given.window_ms
end

function lifetime_gate.is_shut(send)
  return now > window_ends(send) or now >= send.expires or not body_of(send)
end

function lifetime_gate.keep(send)
  if now > window_ends(send) then
    blame_what_held(send, window_ends(send))
    return end_send(send, 'failed')
  end
  if now >= send.expires then
    -- The time of one member is over. The others may still leave in a call that is surely not at the gateway.
    if send.record.members and not send.doubt then return compose_anew(send) end
    blame_what_held(send, send.expires)
    return end_send(send, 'expired')
  end
  if not body_of(send) then
    redis.call('HSET', send.keys.record, 'code', 'body_lost')
    return end_send(send, 'failed')
  end
end
-- uses: clock record call send held admission

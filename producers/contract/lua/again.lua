-- A parked message leaves once more, because a person decided so.

-- Rounds of a message that are kept: the first one, and the newest others.
local ROUNDS = 10

-- Note in the record what the round that is over came to, since the next one overwrites it.
local function note_round(keys, state)
  local r = read(keys.record, 'rounds', 'first', 'ended', 'code')
  -- What is damaged is forgotten: an error would leave half of what its caller does.
  local readable, rounds = pcall(cjson.decode, r.rounds or '[]')
  if not readable or type(rounds) ~= 'table' then rounds = {} end
  if #rounds == ROUNDS then table.remove(rounds, 2) end
  rounds[#rounds + 1] = { first = r.first, ended = r.ended, state = state, code = r.code, again = string.format('%d', now) }
  redis.call('HSET', keys.record, 'rounds', cjson.encode(rounds))
end

-- What a slice may cost is reserved again in its campaign. Of one that was unknown it still is.
local function reserve_again(keys, campaign)
  local estimate = redis.call('HGET', keys.record, 'estimate')
  if estimate then redis.call('HINCRBY', campaign, 'reserved', estimate) end
end

-- Takes what its record says of it: state, queue, campaign, recipients, to, stoppable, and parked, the code under which it is parked.
local function send_again(keys, id, before, body)
  redis.call('HINCRBY', prefix .. 'counts', before.state, -1)
  if before.campaign then
    local campaign = campaign_key(before.campaign)
    if before.state ~= 'unknown' then reserve_again(keys, campaign) end
    redis.call('HINCRBY', campaign, before.state, -tonumber(before.recipients or 1))
    keep_campaign(campaign)
  end
  unpark(keys, id, before.state, before.parked or '')
  note_round(keys, before.state)
  redis.call('HSET', keys.record, 'state', 'queued')
  redis.call('HDEL', keys.record, 'ended', 'first', 'doubt', 'used', 'code', 'message', 'ticket', 'adopted', 'ambiguous', 'seldom',
    'held_until', 'due', 'call', 'share', 'cost', 'booked')
  redis.call('DEL', prefix .. 'corrected:' .. id)
  redis.call('PERSIST', keys.record)
  redis.call('SET', keys.body, body)
  if is_listed(before) then list_stoppable({ before.to }, { id }) end
  push(queue_keys(before.queue), id)
end
-- uses: clock keys queue campaign parked stoppable

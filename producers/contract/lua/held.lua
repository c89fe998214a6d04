-- What is held until a time: marketing outside the hours of its zones, or what a budget does not pay today. A send that is held is
-- an entry like any other, among the delayed, and its claim asks the gates again: so nothing depends on who opens them. The hash
-- `held` counts such sends by reason, time and zones, and the hash of a campaign counts its own.

-- What the record of a send says that came to its end because it was held for longer.
local HELD_CODES = { hours = 'quiet_hours', over_budget = 'over_budget' }

local function forget_held(keys)
  local r = read(keys.record, 'held', 'held_until', 'zones', 'campaign')
  if not r.held then return end
  redis.call('HDEL', keys.record, 'held', 'held_until')
  local all, field = prefix .. 'held', r.held .. ':' .. r.held_until .. ':' .. (r.zones or '')
  if redis.call('HINCRBY', all, field, -1) <= 0 then redis.call('HDEL', all, field) end
  if r.campaign then
    local campaign, own = campaign_key(r.campaign), 'held:' .. field
    if redis.call('HINCRBY', campaign, own, -1) <= 0 then redis.call('HDEL', campaign, own) end
  end
end

-- Note why a send is held, and until when, ms.
local function note_held(keys, reason, till)
  forget_held(keys)
  local r = read(keys.record, 'zones', 'campaign')
  redis.call('HSET', keys.record, 'held', reason, 'held_until', till)
  local field = reason .. ':' .. till .. ':' .. (r.zones or '')
  redis.call('HINCRBY', prefix .. 'held', field, 1)
  if r.campaign then redis.call('HINCRBY', campaign_key(r.campaign), 'held:' .. field, 1) end
end

-- Write into a record that ends why it does, if that is so: the send was held for longer than its time, which is over at `ends`. Takes
-- the reason and the time of the send, which may be those of the shared call that it was in.
local function blame_held(keys, reason, till, ends)
  if not reason or tonumber(till) < ends then return end
  forget_held(keys)
  redis.call('HSET', keys.record, 'code', HELD_CODES[reason], 'held_until', till)
end
-- uses: keys

-- Let go on what waits for a budget and fits again: sends cost less than they might, or are refused, and prices become known. One
-- worker of all looks, once in every_ms. Each look begins behind the last one, so that sends of an application that has nothing left
-- keep nobody else.
-- Given: money (see lua/budgets.lua), every_ms, most (sends that a look asks about), most_bytes (of their bodies: it ends behind the one
--   with which it has read so many)
-- Returns how many go on. Safe to repeat: a send that goes on is claimed, and its claim asks the gates.
-- uses: keys clock queue budgets
local waiting, key = prefix .. 'aside:budget', prefix .. 'budget_look'
if redis.call('EXISTS', waiting) == 0 then return 0 end
local look = read(key, 'at', 'rank')
local at, rank = tonumber(look.at or 0), tonumber(look.rank or 0)
-- Further ahead than it was set: the clock went back.
if at > now and at <= now + given.every_ms then return 0 end
local ids = redis.call('ZRANGE', waiting, rank, rank + given.most - 1)

-- What the claim of a send will reserve: its estimate where that fits, else what it costs by what is known now, if that is less. Only
-- then is a body read, which takes longer than all else.
local function price_in(room, send)
  local estimate = estimate_of(send)
  return estimate <= room and estimate or math.min(estimate, cost_of(send) or math.huge)
end

-- Count along what those that go on will reserve. Of a shared call as many members leave as fit.
local function promise(send)
  local room = room_of(send)
  if room <= 0 then return false end
  local price = price_in(room, send)
  if price / tonumber(send.record.members or 1) > room then return false end
  for _, each in ipairs(purses_of(send.record.app or '')) do each.purse.used = each.purse.used + math.min(price, room) end
  return true
end

local asked, bytes, going_on = 0, 0, 0
for _, id in ipairs(ids) do
  if bytes >= given.most_bytes then break end
  local send = { id = id, keys = keys_of(id) }
  send.record = read(send.keys.record, 'queue', 'estimate', 'app', 'members')
  local queue = send.record.queue and queue_keys(send.record.queue)
  -- What is due already keeps its place.
  if queue and promise(send) and redis.call('ZADD', queue.delayed, 'XX', 'LT', 'CH', now, id) == 1 then
    wake_consumer(queue)
    going_on = going_on + 1
  end
  asked, bytes = asked + 1, bytes + #(send.body or '')
end
redis.call('HSET', key, 'at', now + given.every_ms, 'rank', asked < given.most and asked == #ids and 0 or rank + asked)
redis.call('PEXPIRE', key, 60000)
return going_on

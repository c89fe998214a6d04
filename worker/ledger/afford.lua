-- Let go on what waits for a budget and fits again: sends cost less than they might, or are refused, and prices become known. One
-- worker of all looks, once in every_ms. Each look begins behind the last one, so that sends of an application that has nothing left
-- keep nobody else.
-- Given: money (see lua/budgets.lua), every_ms, most (sends that a look asks about)
-- Returns how many go on. Safe to repeat: a send that goes on is claimed, and its claim asks the gates.
-- uses: keys clock queue budgets
local waiting, key = prefix .. 'aside:budget', prefix .. 'budget_look'
if redis.call('EXISTS', waiting) == 0 then return 0 end
local look = read(key, 'at', 'rank')
local at, rank = tonumber(look.at or 0), tonumber(look.rank or 0)
-- Further ahead than it was set: the clock went back.
if at > now and at <= now + given.every_ms then return 0 end
local ids = redis.call('ZRANGE', waiting, rank, rank + given.most - 1)
redis.call('HSET', key, 'at', now + given.every_ms, 'rank', #ids < given.most and 0 or rank + #ids)
redis.call('PEXPIRE', key, 60000)

-- What a send costs by what is known now.
local function least_of(send)
  return math.min(estimate_of(send), cost_of(send) or math.huge)
end

-- Count along what those that go on will reserve. Of a shared call as many members leave as fit.
local function promise(send, price)
  local room = room_of(send)
  if price / tonumber(send.record.members or 1) > room then return false end
  for _, each in ipairs(purses_of(send.record.app or '')) do each.purse.used = each.purse.used + math.min(price, room) end
  return true
end

local going_on = 0
for _, id in ipairs(ids) do
  local send = { id = id, keys = keys_of(id) }
  send.record = read(send.keys.record, 'queue', 'estimate', 'app', 'members')
  local queue = send.record.queue and queue_keys(send.record.queue)
  if queue and promise(send, least_of(send)) and redis.call('ZADD', queue.delayed, 'XX', 'CH', now, id) == 1 then
    wake(queue)
    going_on = going_on + 1
  end
end
return going_on

-- Note a refusal in words that nobody knows. The third refusal in the same words within a while makes a breaker: a gate that keeps
-- whatever has in common what these messages have in common.
-- Given: id, code, queue, well_ms (since a message with the same sender, type and queue was accepted; absent for never), suspects
--   (how many make a breaker), memory_ms (for which refusals are remembered)
-- Returns 'noted'; 'tripped', name of the gate, names of what they have in common; or 'nothing_in_common'. Safe to repeat: one
--   message counts once.
-- uses: keys clock
local gates, suspects, code = prefix .. 'gates', prefix .. 'suspects', given.code
local keys = keys_of(given.id)
local body = redis.call('GET', keys.body) or ''
local mine = { id = given.id, at = now, queue = given.queue, sender = string.match(body, '"sender":"([^"]*)"') or '',
  type = string.match(body, '"type":"([^"]*)"') or '', campaign = redis.call('HGET', keys.record, 'campaign') or '',
  well = given.well_ms and now - given.well_ms }
local NAMES = { 'sender', 'type', 'queue', 'campaign' }

-- A message that was under way when its breaker tripped makes no second breaker.
local taken = redis.call('HGETALL', gates)
local shut = {}
for i = 1, #taken, 2 do
  local facts = cjson.decode(taken[i + 1])
  shut[taken[i]] = true
  local same = facts.code == code and facts.shut
  for _, name in ipairs(NAMES) do same = same and (not facts.shut[name] or facts.shut[name] == mine[name]) end
  if same then return { 'noted' } end
end

local known = redis.call('HGET', suspects, code)
local lately = { mine }
for _, each in ipairs(known and cjson.decode(known) or {}) do
  if each.id == given.id then return { 'noted' } end
  if now - each.at < given.memory_ms then lately[#lately + 1] = each end
end
redis.call('HINCRBY', prefix .. 'counts', 'unexplained', 1)
if #lately < given.suspects then
  redis.call('HSET', suspects, code, cjson.encode(lately))
  redis.call('PEXPIRE', suspects, given.memory_ms)
  return { 'noted' }
end
redis.call('HDEL', suspects, code)

local common, names = {}, {}
local begun, well = now, 0
for _, each in ipairs(lately) do
  begun, well = math.min(begun, each.at), math.max(well, each.well or 0)
end
for _, name in ipairs(NAMES) do
  local same = true
  for _, each in ipairs(lately) do same = same and each[name] == mine[name] end
  if same then
    common[name] = mine[name]
    if mine[name] ~= '' then names[#names + 1] = name end
  end
end
-- The usual type alone, or the queue, would keep all of the account. And if alerts like these were accepted meanwhile, what they
-- have in common is not why they were refused.
local narrow = (common.sender or '') ~= '' or (common.campaign or '') ~= '' or common.type == 'sms_low_cost'
if not narrow or (mine.queue == 'alert' and well >= begun) then return { 'nothing_in_common' } end
local gate, number = code, 1
while shut[gate] do
  number = number + 1
  gate = code .. '.' .. number
end
redis.call('HSET', gates, gate, cjson.encode({ code = code, since = now, shut = common }))
return { 'tripped', gate, table.concat(names, ', ') }

-- Take turns out of their conversations, which their stream has dropped.
-- Given: turns (each pseudonyms, turn). pseudonyms: those of a number. turn: 'in:' or 'opt:' and the id of a stream entry.
-- Returns how many were there. Safe to repeat.
-- uses: talks
local taken = 0
for _, each in ipairs(given.turns) do
  for _, pseudonym in ipairs(each.pseudonyms) do taken = taken + redis.call('ZREM', talk_of(pseudonym), each.turn) end
end
return taken

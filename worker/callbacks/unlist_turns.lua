-- Take replies out of their conversations, which the stream has dropped.
-- Given: turns (each pseudonyms, id). pseudonyms: those of a number. id: of a stream entry.
-- Returns how many were there. Safe to repeat.
-- uses: talks
local taken = 0
for _, turn in ipairs(given.turns) do
  for _, pseudonym in ipairs(turn.pseudonyms) do taken = taken + redis.call('ZREM', talk_of(pseudonym), 'in:' .. turn.id) end
end
return taken

-- Say which numbers an earlier part of an upload has. One command for all: a client that reads 500 replies, one after the other, does
-- nothing else for 20 ms.
-- Given: campaign, part (its number: what it took itself does not count), numbers
-- Returns their places in the list, the first of which is 1. Safe to repeat.
-- uses: parts
local met = {}
for place, number in ipairs(given.numbers) do
  local part = redis.call('HGET', upload_numbers_key(given.campaign, number), string.sub(number, 1, -5))
  if part and tonumber(part) ~= given.part then met[#met + 1] = place end
end
return met

-- A message to several recipients without some of them.

-- Cut a body, as the producers write it, into its recipients. Returns them, and the rest behind them; nil if there are not so many.
-- Within a value of JSON no quote stands without a backslash: what is looked for is always a recipient's beginning.
local function cut_apart(body, count)
  local HEAD, BEGIN = '{"recipients":[', '{"phone_number":"'
  local cut = string.find(body, '],"text":', 1, true)
  if not cut or string.sub(body, 1, #HEAD) ~= HEAD then return nil end
  local list, starts, recipients = string.sub(body, #HEAD + 1, cut - 1), {}, {}
  local at = string.find(list, BEGIN, 1, true)
  while at do
    starts[#starts + 1] = at
    at = string.find(list, BEGIN, at + 1, true)
  end
  if #starts ~= count then return nil end
  for i, start in ipairs(starts) do recipients[i] = string.sub(list, start, (starts[i + 1] or #list + 2) - 2) end
  return recipients, HEAD, string.sub(body, cut)
end

-- Make what is left of a message without the recipients at some places. Takes body, to, recipients, segments and weights: the segments
-- of each recipient, a digit each, or '' where all have the same. Returns a table with the same; nil for a body that nobody can read.
local function left_of(message, out)
  local count, left = tonumber(message.recipients), { segments = 0, recipients = 0 }
  local parts, head, tail = cut_apart(message.body, count)
  if not parts then return nil end
  local bodies, to, weights, place = {}, {}, {}, 0
  for pseudonym in string.gmatch(message.to, '%S+') do
    place = place + 1
    if not out[place] then
      local digit = string.sub(message.weights, place, place)
      bodies[#bodies + 1], to[#to + 1], weights[#weights + 1] = parts[place], pseudonym, digit
      left.segments = left.segments + (tonumber(digit) or tonumber(message.segments) / count)
    end
  end
  if place ~= count then return nil end
  left.recipients, left.to, left.weights = #to, table.concat(to, ' '), table.concat(weights)
  left.body = head .. table.concat(bodies, ',') .. tail
  return left
end

-- Erasing a person from sends. A person is a number here. A send that may have been taken keeps its bytes, since they go out again as
-- they are: the field `erase` of its record holds the numbers that go when nobody sends it any more. Takes retention_ms from what the
-- script is given.

-- Cut a recipient out of a body, as producers/messages/body.py writes it. Returns what is left, nil without any recipient, and the place
-- where it was, nil if it was not there. Quotes inside of a text are escaped in JSON: what is looked for here stands in no text.
local function cut_one(body, number)
  local BEGIN = '{"phone_number":"'
  local first = string.find(body, BEGIN .. number .. '"', 1, true)
  if not first then return body end
  local place, at = 1, string.find(body, BEGIN, 1, true)
  while at < first do place, at = place + 1, string.find(body, BEGIN, at + 1, true) end
  local following = string.find(body, '},' .. BEGIN, first, true)
  if following then return string.sub(body, 1, first - 1) .. string.sub(body, following + 2), place end
  local last = string.find(body, '}],"text":', first, true)
  if not last or place == 1 then return nil, place end
  return string.sub(body, 1, first - 2) .. string.sub(body, last + 1), place
end

-- Cut recipients out of a body. Returns what is left, nil without any recipient, and the places of those that were cut out, each as it
-- was when those before it were gone.
local function cut_out(body, numbers)
  local rest, places = body, {}
  for number in string.gmatch(numbers, '%S+') do
    if rest then rest, places[#places + 1] = cut_one(rest, number) end
  end
  return rest, places
end

-- Nobody waits any more for the receipt of somebody who is erased. Takes state, receipts, recipients, contacts, ended, campaign.
local function await_nothing(keys, id, record, number)
  local deliveries = prefix .. 'deliveries:' .. id
  if redis.call('HDEL', deliveries, number) == 1 or record.state ~= 'accepted' then return end
  local campaign = record.campaign and campaign_key(record.campaign)
  heard(keys, record, campaign, redis.call('HLEN', deliveries) + 1)
end

-- Let the record of a message that may still leave be as large as its body is now. Takes state, recipients, segments, weights, estimate,
-- campaign of it, and the places of those who were cut out, as cut_out() gives them. To the campaign they are cancelled.
local function make_smaller(keys, r, places)
  local count, segments, weights = tonumber(r.recipients), tonumber(r.segments), r.weights or ''
  local left = segments
  for _, place in ipairs(places) do
    left = left - (tonumber(string.sub(weights, place, place)) or segments / count)
    weights = string.sub(weights, 1, place - 1) .. string.sub(weights, place + 1)
  end
  -- An older producer noted no weights of an alert: then it is a guess, and yet so many whole ones.
  left = math.ceil(left)
  redis.call('HSET', keys.record, 'recipients', count - #places, 'segments', left, 'weights', weights)
  -- What was rejected or has failed reserves nothing in its campaign.
  local reserves = r.state == 'queued' or r.state == 'unknown'
  lower_estimate(keys, { estimate = r.estimate, campaign = reserves and r.campaign or nil }, segments, left)
  local campaign = r.campaign and campaign_key(r.campaign)
  if not campaign or redis.call('EXISTS', campaign) == 0 then return end
  if PARKED[r.state] then redis.call('HINCRBY', campaign, r.state, -#places) end
  redis.call('HINCRBY', campaign, 'cancelled', #places)
end

-- Nothing leads by a ticket to a send any more. That of a shared call leads to the call, for the others.
local function forget_ticket(id, ticket)
  local key = prefix .. 'ticket:' .. ticket
  if redis.call('GET', key) == id then redis.call('DEL', key) end
end

-- Forget persons in a send that nobody sends any more, or has not begun to send. Of a message to one person only that is left by which a
-- repeat of it is known.
local function forget_persons(keys, id, numbers)
  local r = read(keys.record, 'state', 'recipients', 'parked', 'ticket', 'receipts', 'contacts', 'ended', 'campaign',
    'segments', 'weights', 'estimate')
  local body = redis.call('GET', keys.body)
  local rest, places
  if body then rest, places = cut_out(body, numbers) end
  for number in string.gmatch(numbers, '%S+') do await_nothing(keys, id, r, number) end
  if tonumber(r.recipients or 1) > 1 and (rest or not body) then
    if body and rest ~= body then
      redis.call('SET', keys.body, rest, 'KEEPTTL')
      if r.state == 'queued' or PARKED[r.state] then make_smaller(keys, r, places) end
    end
    redis.call('HDEL', keys.record, 'message', 'erase')
  else
    redis.call('DEL', keys.body, prefix .. 'deliveries:' .. id)
    if r.parked then unpark(keys, id, r.state, r.parked) end
    if r.ticket then forget_ticket(id, r.ticket) end
    redis.call('HDEL', keys.record, 'to', 'context', 'message', 'reply_to', 'short_number', 'ticket', 'erase')
  end
  -- A body may be there without its record, which must not come back by this.
  if r.state then redis.call('HSET', keys.record, 'erased', 1) end
end
-- uses: keys states receipts parked campaign

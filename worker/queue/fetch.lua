-- Take entries off a queue under a lease, as many as admission lets pass. A fetch is also the queue's whole upkeep, bounded per
-- call: entries whose lease has run out go back to the front, entries that are due join the end.
-- take() reads from GATES.rate.allowed how many recipients the rate allows: the gate's room() has set it when admission was asked.
-- Given: queue (its name), of_sends (whether its entries are sends), owner (of this fetch: a lease is owner:entry id and never
--   comes again), most (entries at most), lease_ms, rate (where no limit is set live), in_flight (the same), share_max (members of
--   a shared call at most; 1: none is shared), version (of the records of such calls)
-- Returns ms until it is worth asking again (-1: when woken), then per entry: id, envelope or ''. Not safe to repeat: what an
--   answer that was lost has brought stays leased until that lease runs out.
-- uses: clock keys queue leases limits admission admit_queue
local queue = queue_keys(given.queue)

-- How many of the delayed follow the clock per fetch.
local FOLLOW_AT_ONCE = 500

-- The clock went back, so what waits for a number of ms would wait that much longer: move it back by as much. What waits for its
-- own date stays. At most FOLLOW_AT_ONCE per fetch.
local function follow_the_clock()
  local back = read(queue.back, 'ms', 'after')
  if not back.ms then return end
  local found = redis.call('ZRANGEBYSCORE', queue.delayed, '(' .. back.after, '+inf', 'WITHSCORES', 'LIMIT', 0,
    FOLLOW_AT_ONCE)
  for i = 1, #found, 2 do
    local due = given.of_sends and redis.call('HGET', keys_of(found[i]).record, 'due')
    if not due or tonumber(due) < tonumber(found[i + 1]) then
      redis.call('ZADD', queue.delayed, 'XX', math.max(now, found[i + 1] - back.ms), found[i])
    end
  end
  local last = found[2 * FOLLOW_AT_ONCE]
  if last then redis.call('HSET', queue.back, 'after', last) else redis.call('DEL', queue.back) end
end

-- The share for which a due message gathers. None if it leaves alone: it was claimed before, it has failed before, or it is a call.
local function share_of(id)
  local record = read(keys_of(id).record, 'share', 'token', 'members')
  local untried = record.share and not record.token and not record.members
  return untried and redis.call('HEXISTS', queue.envelopes, id) == 0 and record.share
end

local function move_what_is_due()
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', queue.delayed, '-inf', now, 'LIMIT', 0, 128)) do
    redis.call('ZREM', queue.delayed, id)
    local share = given.of_sends and share_of(id)
    if share then gather(queue, share, id) else redis.call('RPUSH', queue.ready, id) end
  end
end

-- Turn a marker into one call of what gathered for its share; into the messages themselves if no calls are shared now or only one
-- gathered. `recipients` and `entries` say how many more this fetch may take beside the marker. What stays gets a new marker at the
-- end, so that no template keeps others waiting.
local function take_gathered(share, number, recipients, entries)
  local most, list = given.share_max, gather_key(share)
  local ids = redis.call('LPOP', list, math.min(most > 1 and most or entries + 1, recipients + 1))
  if not ids then return {} end
  if redis.call('EXISTS', list) == 1 then redis.call('RPUSH', queue.ready, MARKER .. share) end
  if most == 1 or #ids == 1 then return ids end
  local call = CALL .. given.owner .. '.' .. number
  redis.call('HSET', keys_of(call).record, 'v', given.version, 'state', 'queued', 'queue', given.queue, 'queued', now,
    'share', share, 'recipients', #ids, 'members', #ids)
  redis.call('RPUSH', gathered_key(call), unpack(ids))
  return { call }, #ids
end

-- The ids of entries from the front of the queue.
local function take(most)
  local ids, popped = {}, most > 0 and redis.call('LPOP', queue.ready, most) or {}
  local recipients, entries = GATES.rate.allowed - #popped, most - #popped
  for number, id in ipairs(popped) do
    if given.of_sends and string.sub(id, 1, 1) == MARKER then
      local found, members = take_gathered(string.sub(id, 2), number, recipients, entries)
      for _, each in ipairs(found) do ids[#ids + 1] = each end
      if #found > 0 then
        recipients = recipients - (members or #found) + 1
        if not members then entries = entries - #found + 1 end
      end
    else
      ids[#ids + 1] = id
    end
  end
  return ids
end

local function lease(ids)
  local deadline, leases, entries = now + given.lease_ms, {}, {}
  for i, id in ipairs(ids) do
    leases[2 * i - 1], leases[2 * i] = deadline, given.owner .. ':' .. id
  end
  redis.call('ZADD', queue.leases, unpack(leases))
  for i, envelope in ipairs(redis.call('HMGET', queue.envelopes, unpack(ids))) do
    entries[2 * i - 1], entries[2 * i] = ids[i], envelope or ''
  end
  return entries
end

-- Ms until something falls due, if that is sooner than so many ms; -1 stands for never.
local function next_due(wait)
  for _, key in ipairs({ queue.delayed, queue.leases }) do
    local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
    if first[2] then
      local due = math.max(0, math.ceil(tonumber(first[2]) - now))
      if wait < 0 or due < wait then wait = due end
    end
  end
  return wait
end

tend(queue, given.lease_ms)
follow_the_clock()
move_what_is_due()

local allowed, wait = given.most, -1
if given.of_sends then allowed, wait = admitted(given.most, given.queue) end
local ids, entries = take(allowed), {}
if #ids > 0 then
  entries = lease(ids)
  if given.of_sends then charge(#ids, given.queue) end
end
local left = redis.call('EXISTS', queue.ready) == 1
if left and allowed == given.most then wake_consumer(queue) end
return { next_due(left and wait or -1), unpack(entries) }

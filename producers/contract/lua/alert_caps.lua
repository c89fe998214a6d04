-- What is too much: alerts to one number, and alerts to many numbers of one block of 10,000. Takes guard (per_hour, per_day: alerts to a
-- number, 0 for any; prefix: numbers of a block in an hour, 0 for any; block: whether such a block is blocked) from what the script is
-- given. All messages of a script are counted together: that takes the same few commands for one as for hundreds.

local learn_alerts, count_alert, note_alerts
do
  local HOUR, DAY = 3600000, 86400000

  local this_hour = math.floor(now / HOUR)

  local function caps_key()
    return prefix .. 'caps:' .. math.floor(now / DAY)
  end

  local function blocks_key(hours_ago)
    return prefix .. 'blocks:' .. (this_hour - hours_ago)
  end

  -- What was read: of a number 'alerts in its last hour|that hour|alerts in the day', of a block its numbers.
  local caps, blocks, until_of = {}, {}, {}
  -- What to write: of numbers fields and values by turns, of blocks which have changed.
  local new_caps, new_blocks = {}, {}

  -- Read what is known of all numbers and blocks that messages are for.
  function learn_alerts(numbers, names)
    if #numbers == 0 then return end
    for i, value in ipairs(redis.call('HMGET', caps_key(), unpack(numbers))) do caps[numbers[i]] = value end
    if given.guard.prefix == 0 then return end
    for i, value in ipairs(redis.call('HMGET', blocks_key(0), unpack(names))) do blocks[names[i]] = value end
    if given.guard.block then
      for i, at in ipairs(redis.call('ZMSCORE', prefix .. 'blocked', unpack(names))) do until_of[names[i]] = tonumber(at or 0) end
    end
  end

  -- How many numbers other blocks have in an hour, on average over a day.
  local function mean_of_others(block)
    local hours, sum, active = 24, 0, 0
    for ago = 0, hours - 1 do
      local found = redis.call('HMGET', blocks_key(ago), '*', block)
      if found[1] then
        sum = sum + tonumber(found[1]) - tonumber(found[2] or 0)
        active = active + redis.call('HLEN', blocks_key(ago)) - 1 - (found[2] and 1 or 0)
      end
    end
    return active > 0 and sum / active or 0
  end

  -- Tell of a block that gets too much, once an hour, and block it if that is wanted. Returns whether it is blocked now.
  -- A block gets too much if it has so many times the numbers that others have in an hour.
  local function suspect(block, count)
    local times_the_mean, blocked_ms = 5, 12 * HOUR
    if not given.guard.block and redis.call('EXISTS', prefix .. 'alarmed:' .. block) == 1 then return false end
    local most = math.max(given.guard.prefix, times_the_mean * mean_of_others(block))
    if count <= most then return false end
    if redis.call('SET', prefix .. 'alarmed:' .. block, '1', 'NX', 'PX', HOUR) then
      alarm(given.guard.block and 'prefix_blocked' or 'prefix', block, '', count, math.floor(most))
    end
    if not given.guard.block then return false end
    until_of[block] = now + blocked_ms
    redis.call('ZREMRANGEBYSCORE', prefix .. 'blocked', '-inf', now)
    redis.call('ZADD', prefix .. 'blocked', until_of[block], block)
    return true
  end

  -- What a number has that gets its first alert of the day.
  local FIRST = '1|' .. this_hour .. '|1'
  local fresh_numbers = 0

  -- Count a number that gets its first alert of the hour. Returns whether its block is blocked by that.
  local function count_in(block)
    local count, most = tonumber(blocks[block] or 0) + 1, given.guard.prefix
    blocks[block], new_blocks[block] = count, count
    fresh_numbers = fresh_numbers + 1
    -- It takes dozens of commands to see what other blocks have: not for each number, but for every so many.
    return count > most and (count - most) % most == 1 % most and suspect(block, count)
  end

  -- Count an alert. Returns why it may not leave, or nil.
  function count_alert(number, block)
    local guard, known = given.guard, caps[number]
    if guard.block and (until_of[block] or 0) > now then return 'prefix_blocked' end
    local in_hour, at, in_day = 0, nil, 0
    if known then in_hour, at, in_day = string.match(known, '^(%d+)|(%d+)|(%d+)$') end
    local hour = this_hour
    -- The clock has gone back a moment: the hour that had begun goes on.
    if tonumber(at) == hour + 1 then hour = hour + 1 end
    local is_new = tonumber(at) ~= hour
    in_hour, in_day = (is_new and 0 or tonumber(in_hour)) + 1, tonumber(in_day or 0) + 1
    if (guard.per_hour > 0 and in_hour > guard.per_hour) or (guard.per_day > 0 and in_day > guard.per_day) then return 'number_cap' end
    if is_new and guard.prefix > 0 and count_in(block) then return 'prefix_blocked' end
    known = known and string.format('%d|%d|%d', in_hour, hour, in_day) or FIRST
    caps[number] = known
    -- A number that stands here twice keeps what comes last.
    new_caps[#new_caps + 1], new_caps[#new_caps + 2] = number, known
  end

  -- Write down what was counted.
  function note_alerts()
    if #new_caps > 0 then
      redis.call('HSET', caps_key(), unpack(new_caps))
      redis.call('PEXPIRE', caps_key(), DAY + HOUR, 'NX')
    end
    if fresh_numbers > 0 then
      local counts = {}
      for block, count in pairs(new_blocks) do counts[#counts + 1], counts[#counts + 2] = block, count end
      redis.call('HSET', blocks_key(0), unpack(counts))
      redis.call('HINCRBY', blocks_key(0), '*', fresh_numbers)
      redis.call('PEXPIRE', blocks_key(0), DAY + HOUR, 'NX')
    end
  end
end
-- uses: clock alarms

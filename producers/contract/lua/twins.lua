-- The same text twice. Takes guard (twin_ms: how long a text is remembered, 0 for not at all) from what the script is given. All messages
-- of a script are looked for together.

local learn_twins, twin_of, remember_twin, note_twins
do
  -- A text is remembered in the window of time in which it came, and looked for in the one before, too; and in the next one, for the
  -- clock may have gone back a moment.
  local function twins_key(windows_ago)
    local window = given.guard.twin_ms
    return prefix .. 'twins:' .. window .. ':' .. (math.floor(now / window) - windows_ago)
  end

  -- Read what is known of all texts. What this script queues is added.
  local twins, new_twins = {}, {}
  function learn_twins(names)
    if #names == 0 then return end
    for windows_ago = 1, -1, -1 do
      local window = twins_key(windows_ago)
      -- Of hundreds of texts it costs less to ask first: there is no window before the first list of a burst.
      local known = #names > 1 and redis.call('EXISTS', window) == 0 and {} or redis.call('HMGET', window, unpack(names))
      for i, text in ipairs(known) do
        if text then twins[names[i]] = text end
      end
    end
  end

  -- The message that has left, or will, with the same text for the same numbers; or nil. One that surely never left is no reason to keep
  -- another.
  function twin_of(id, twin)
    local other = twins[twin]
    if not other or other == id then return end
    local never_left = { cancelled = true, expired = true, rejected = true, failed = true }
    local state, at = unpack(redis.call('HMGET', keys_of(other).record, 'state', 'queued'))
    if state and not never_left[state] and now - tonumber(at) < given.guard.twin_ms then return other end
  end

  function remember_twin(id, twin)
    local count = #new_twins
    twins[twin], new_twins[count + 1], new_twins[count + 2] = id, twin, id
  end

  function note_twins()
    if #new_twins == 0 then return end
    redis.call('HSET', twins_key(0), unpack(new_twins))
    redis.call('PEXPIRE', twins_key(0), 2 * given.guard.twin_ms, 'NX')
  end
end
-- uses: clock keys

-- Conversations. Of each number a sorted set, named by the pseudonym of the number, holds the newest turns by time: 'in:<stream id>' for
-- a reply, 'opt:<stream id>' for an opt-out that somebody wrote, 'out:<request_id>' for a send. Takes retention_ms from what the script
-- is given.

-- Turns that are kept of a conversation.
local TURNS = 200

local function talk_of(pseudonym)
  return prefix .. 'talk:' .. pseudonym
end

-- Note a turn at its time in ms. It is kept for the retention from then on, if that is later than now.
local function note_talk(pseudonym, member, at)
  local talk, lifetime = talk_of(pseudonym), math.max(0, at - now) + given.retention_ms
  redis.call('ZADD', talk, at, member)
  redis.call('ZREMRANGEBYRANK', talk, 0, -TURNS - 1)
  if redis.call('PTTL', talk) < lifetime then redis.call('PEXPIRE', talk, lifetime) end
end
-- uses: clock

-- Conversations. Of each number a sorted set holds the newest turns by time: 'in:<stream id>' for a reply, 'opt:<stream id>'
-- for an opt-out that somebody wrote, 'out:<request_id>' for a send.
-- Takes fresh_secret and retention_ms from what the script is given.

-- Turns that are kept of a conversation.
local TURNS = 200

-- The name of the conversation with a number: addresses and headers may show it, since nobody can tell the number from it without
-- the secret. Whoever needs the secret first brings a fresh one.
local talk_secret
local function talk_key_of(number)
  if not talk_secret then
    redis.call('SET', prefix .. 'talk_secret', given.fresh_secret, 'NX')
    talk_secret = redis.call('GET', prefix .. 'talk_secret')
  end
  return redis.sha1hex(talk_secret .. number)
end

local function talk_of(number)
  return prefix .. 'talk:' .. talk_key_of(number)
end

-- Note a turn at its time in ms. It is kept for the retention from then on, if that is later than now.
local function note_talk(number, member, at)
  local talk, lifetime = talk_of(number), math.max(0, at - now) + given.retention_ms
  redis.call('ZADD', talk, at, member)
  redis.call('ZREMRANGEBYRANK', talk, 0, -TURNS - 1)
  if redis.call('PTTL', talk) < lifetime then redis.call('PEXPIRE', talk, lifetime) end
end
-- uses: clock

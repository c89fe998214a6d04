-- Set what may be spent, because an operator decided so: in a day by the account or by each application, at most with all alerts, or by
-- a campaign.
-- Given: scope ('account', 'app', 'hard', or 'campaign:' and its id), limit (micro-euros, 0 for any; 'default' for what the workers
--   are set to), day (today, as spend:<scope>:<day> names it), by, audit_maxlen
-- Returns 1, or 0 when there is no such campaign. Safe to repeat: each time appends an audit entry. What waits is given back by
--   give_back.lua.
-- uses: keys audit spending

-- Of another budget nothing was told yet.
local function tell_anew()
  if given.scope == 'app' then
    for _, app in ipairs(redis.call('ZRANGE', prefix .. 'apps', 0, 999, 'REV')) do
      redis.call('HDEL', spend_key('app:' .. app, given.day), 'alarmed')
    end
  elseif given.scope == 'hard' then
    redis.call('HDEL', spend_key('account', given.day), 'alarmed_hard')
  else
    redis.call('HDEL', spend_key('account', given.day), 'alarmed')
  end
end

local id = string.match(given.scope, '^campaign:(.+)$')
if id then
  local campaign = campaign_key(id)
  if redis.call('EXISTS', campaign) == 0 then return 0 end
  -- A campaign without a budget has no limit at all: 0 would let nothing be queued.
  if given.limit == 'default' or given.limit == '0' then
    redis.call('HDEL', campaign, 'limit')
  else
    redis.call('HSET', campaign, 'limit', given.limit, 'alarmed', 0)
  end
else
  if given.limit == 'default' then
    redis.call('HDEL', prefix .. 'budgets', given.scope)
  else
    redis.call('HSET', prefix .. 'budgets', given.scope, given.limit)
  end
  tell_anew()
end
audit('budget', 'scope', given.scope, 'limit', given.limit)
return 1

-- The keys of one message, shared call or campaign, as producers/contract/keys.py names them.

local function keys_of(id)
  return { record = prefix .. 'record:' .. id, body = prefix .. 'body:' .. id }
end

-- The members that are in the body of a shared call, from number to request_id.
local function members_key(call)
  return prefix .. 'members:' .. call
end

-- The members of a shared call that are not in its body yet.
local function gathered_key(call)
  return prefix .. 'gathered:' .. call
end

local function campaign_key(id)
  return prefix .. 'campaign:' .. id
end

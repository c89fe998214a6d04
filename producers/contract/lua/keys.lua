-- The keys of one message, shared call or campaign, as producers/contract/keys.py names them.

local function key_of_record(id)
  return prefix .. 'record:' .. id
end

local function key_of_body(id)
  return prefix .. 'body:' .. id
end

local function keys_of(id)
  return { record = key_of_record(id), body = key_of_body(id) }
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

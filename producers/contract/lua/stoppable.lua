-- The sends to one recipient that an opt-out would end: `stoppable` has '<pseudonym> <request_id>' of each, from when it is queued until
-- it ends. A send to several is seen to at its claim.

local STOPPABLE = prefix .. 'stoppable'

-- The member of a send. Takes to, recipients, queue and stoppable of its record. Nil for one that is not listed.
local function listed_as(id, record)
  if not record.to or tonumber(record.recipients or 1) ~= 1 or not is_stoppable(record) then return nil end
  return record.to .. ' ' .. id
end

local function unlist_stoppable(id, record)
  local member = listed_as(id, record)
  if member then redis.call('ZREM', STOPPABLE, member) end
end
-- uses: suppressed

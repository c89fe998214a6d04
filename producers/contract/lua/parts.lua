-- Parts of a campaign that is uploaded. The hash `upload` has its definition, the next part, and of each part its digest and what was
-- answered. Beside it, hashes of blocks of numbers say which part has a number: the block is the last four digits, the field all before
-- them, so that even a million numbers take few bytes each. Takes part from what the script is given; see enqueue.lua.

local function upload_key(id)
  return prefix .. 'upload:' .. id
end

local function open_uploads_key()
  return prefix .. 'open_uploads'
end

-- Note that a campaign waits for the rest of its upload. Of the oldest of which that was noted those go that are forgotten.
local function note_open_upload(id)
  local LOOKED_AT = 8
  redis.call('ZADD', open_uploads_key(), now, id)
  for _, oldest in ipairs(redis.call('ZRANGE', open_uploads_key(), 0, LOOKED_AT - 1)) do
    if redis.call('HEXISTS', campaign_key(oldest), 'uploading') == 0 then redis.call('ZREM', open_uploads_key(), oldest) end
  end
end

-- Nobody is to complete the upload of a campaign any more.
local function forget_open_upload(id)
  redis.call('ZREM', open_uploads_key(), id)
end

-- The hash that has a number, if a part of a campaign has it.
local function upload_numbers_key(campaign, number)
  return prefix .. 'upload_numbers:' .. campaign .. ':' .. string.sub(number, -4)
end

-- Whether the part that is given is no longer the next one, or there is no such upload: whoever sent it has to look again.
local function has_part_moved()
  local known = read(upload_key(given.part.campaign), 'next', 'complete')
  return known.complete or tonumber(known.next or -1) ~= given.part.number
end

-- Note the part that is queued in this step, and that its numbers are taken. All keys of an upload end when it was said at its beginning:
-- a block that ended earlier, because no later part had a number in it, would let somebody be texted twice.
local function note_part()
  local part = given.part
  local upload = upload_key(part.campaign)
  redis.call('HSET', upload, 'next', part.number + 1, 'part:' .. part.number, part.digest .. part.result)
  if part.is_last then redis.call('HSET', upload, 'last', part.number) end
  local ends = read(upload, 'ends').ends
  for _, number in ipairs(part.numbers) do
    local block = upload_numbers_key(part.campaign, number)
    redis.call('HSET', block, string.sub(number, 1, -5), part.number)
    redis.call('PEXPIREAT', block, ends)
  end
end
-- uses: keys clock

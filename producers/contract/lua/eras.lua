-- Eras. A server that was started or promoted may lack the last writes of the one before. Whoever was texted in one of
-- those, alone, must not be texted again under the name of a shared call. So each such server begins an era with the first sign
-- of life of a worker, or with the first call that it composes, and whatever bears an earlier era is older than the server. A replica that
-- is back begins one, too: see note_replicas.lua. An era is a count and no time, since the clocks of two servers differ. It exists before any
-- message that may share a call: see sharing.lua.

local function server_mark()
  local mark = ''
  for _, each in ipairs({ { 'server', 'run_id' }, { 'replication', 'master_replid' } }) do
    mark = mark .. (string.match(redis.call('INFO', each[1]), each[2] .. ':(%w+)') or '')
  end
  -- A refusal, and an answer without names, end the script: without a mark no server would ever begin an era.
  assert(mark ~= '', 'INFO does not name the server')
  return mark
end

-- Begin an era, after one that was or as the first. The first one has forgotten nothing.
local function begin_era(before)
  local key = prefix .. 'memory'
  if before then redis.call('HSET', key, 'apart', now) end
  return tostring(redis.call('HINCRBY', key, 'era', 1))
end

-- The era of this server.
local function current_era()
  local key, mark = prefix .. 'memory', server_mark()
  local known = read(key, 'server', 'era')
  if known.server == mark and known.era then return known.era end
  -- The metrics count servers. The second half of the mark also changes where no replica has been for an hour.
  if known.server and string.sub(known.server, 1, 40) ~= string.sub(mark, 1, 40) then count_metric('servers', 1) end
  redis.call('HSET', key, 'server', mark)
  return begin_era(known.era)
end
-- uses: clock metrics

-- How long opt-outs took from our answer to their callback until they counted: how many took so many milliseconds at most. They are
-- measured in producers/contract/optout_figures.py, too, and a test compares.

local EFFECT_MS = { 100, 250, 500, 1000, 2500, 5000, 10000, 60000 }

local function note_effect(ms)
  local key, bucket = prefix .. 'optouts:effective', 'more'
  for i = #EFFECT_MS, 1, -1 do
    if ms <= EFFECT_MS[i] then bucket = EFFECT_MS[i] end
  end
  redis.call('HINCRBY', key, bucket, 1)
  redis.call('HINCRBY', key, 'sum_ms', math.max(0, math.floor(ms)))
end

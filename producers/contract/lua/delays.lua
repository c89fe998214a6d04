-- How long things waited: how many of them waited for so many milliseconds at most. producers/contract/metric_table.py has these classes,
-- too, and a test compares.

local DELAY_MS = { 5, 10, 20, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 900000, 3600000 }

-- A clock that was set back makes no negative delay.
local function tally_delay(name, ms)
  local class = 'more'
  for i = #DELAY_MS, 1, -1 do
    if ms > DELAY_MS[i] then break end
    class = DELAY_MS[i]
  end
  tally(name .. ':' .. class, 1)
  tally(name .. ':sum_ms', math.max(0, math.floor(ms)))
end
-- uses: tallies

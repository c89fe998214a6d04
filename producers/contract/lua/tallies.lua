-- Counts of a script that has many things to count: they are added up, and written once. A script that tallies ends with write_tallies.

local tallies = {}

local function tally(name, by)
  tallies[name] = (tallies[name] or 0) + by
end

local function write_tallies()
  for name, by in pairs(tallies) do count_metric(name, string.format('%.0f', by)) end
end
-- uses: metrics

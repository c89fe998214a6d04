-- What has happened so far, for the metrics: the hash `metrics` counts it by name. producers/contract/metric_table.py says what each
-- name means.

local function count_metric(name, by)
  return redis.call('HINCRBY', prefix .. 'metrics', name, by)
end

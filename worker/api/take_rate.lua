-- Take calls of an application from its bucket, which fills by its rate.
-- Given: app, calls (how many), rate (calls a second), burst (calls that the bucket holds), always (whether they are taken without room)
-- Returns how many calls are left in the bucket, and in how many ms there is room again, 0 if these were taken. Not safe to repeat: a
--   repeat takes again, which lets the application wait a little longer.
-- uses: clock
local key = prefix .. 'api:rate:' .. given.app
local full = given.burst * 1000 / given.rate
-- The bucket is empty until a time, ms; what lies in the past is full. That was said by the clock as it was: if it has stepped back since,
-- so does the time, else the application waits for as long as the step was.
local empty, said = string.match(redis.call('GET', key) or '', '^([%d.e+]+) ([%d.e+]+)$')
empty, said = tonumber(empty or 0), tonumber(said or 0)
local until_ms = math.max(now, empty - math.max(0, said - now))
local wanted = until_ms + given.calls * 1000 / given.rate
if wanted - now > full and not given.always then
  return { 0, math.ceil(wanted - now - full) }
end
local left = math.max(0, math.floor((full - (wanted - now)) * given.rate / 1000))
redis.call('SET', key, string.format('%.3f %d', wanted, now), 'PX', math.ceil(wanted - now) + 1000)
return { left, 0 }

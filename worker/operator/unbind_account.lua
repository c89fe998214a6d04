-- Let a namespace belong to no account, so that the next worker that starts binds it to its own.
-- Given: alive_ms, is_same (the login has another name, the account is the same: what waits may go on), by, audit_maxlen
-- Returns whether the namespace was bound, how many live workers there are, and how many sends wait or are being sent. While a worker
--   lives nothing is changed, and while sends wait neither, unless the account is the same: what is in doubt would be asked for at a
--   gateway account that has never seen it.
-- Safe to repeat.
-- uses: audit clock queue
local account = prefix .. 'account'
local alive = redis.call('ZCOUNT', prefix .. 'workers', now - given.alive_ms, '+inf')
local waiting = 0
for _, name in ipairs({ 'alert', 'marketing' }) do
  local queue = queue_keys(name)
  waiting = waiting + redis.call('LLEN', queue.ready) + redis.call('ZCARD', queue.delayed) + redis.call('ZCARD', queue.leases)
end
local bound = redis.call('EXISTS', account)
if bound == 0 or alive > 0 or (waiting > 0 and not given.is_same) then return { bound, alive, waiting } end

redis.call('DEL', account)
audit('unbind_account', 'waiting', waiting)
return { 1, 0, given.is_same and 0 or waiting }

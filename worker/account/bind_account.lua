-- Bind the namespace to an account by its login, or say that it belongs to another one.
-- Given: logins (pseudonyms of the login under every key, the one that is written first), keys
-- Returns 'pseudonym keys have changed'; else the pseudonym under which the namespace belongs to this login now, or '': then nothing is
--   changed.
-- Safe to repeat.
-- uses: known_key
if not is_key_known() then return KEYS_HAVE_CHANGED end

local account = prefix .. 'account'
local bound = redis.call('GET', account)
local is_ours = not bound
for _, login in ipairs(given.logins) do is_ours = is_ours or login == bound end
if is_ours and bound ~= given.logins[1] then redis.call('SET', account, given.logins[1]) end
return is_ours and given.logins[1] or ''

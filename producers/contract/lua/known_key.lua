-- A script that is given pseudonyms does nothing if Redis knows nothing of their key: it has lost everything, or is another Redis. Then
-- whoever calls asks which keys there are. Takes key_id from what the script is given.
if redis.call('HEXISTS', PSEUDONYMS, 'id:' .. given.key_id) == 0 then return 'unknown pseudonym key' end
-- uses: pseudonyms

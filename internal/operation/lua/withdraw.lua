-- Takes back an operation that was never begun and whose token nobody else got.
local r = redis.call('HMGET', op, 'state', 'started', 'shared')
if not r[1] then return {'withdrawn', following()} end
if r[1] ~= 'RUNNING' or r[2] or r[3] then return {'kept'} end
redis.call('LREM', line, 1, token)
redis.call('ZREM', listed('open'), token)
redis.call('DEL', op)
return {'withdrawn', following()}

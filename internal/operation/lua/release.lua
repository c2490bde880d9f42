-- The attempt ended and another is to follow.
-- ARGV: 4 holder, 5 failed attempts to add, 6 ms until the next attempt, 7.. log lines
local r = redis.call('HMGET', op, 'state', 'holder')
if r[2] ~= ARGV[4] then return {'lost'} end
if r[1] == 'TERMINATING' then return {'TERMINATING'} end
append(7)
redis.call('HDEL', op, 'holder', 'until')
redis.call('HSET', op, 'retry', whole(now + ARGV[6]))
redis.call('HINCRBY', op, 'failed', ARGV[5])
return {'released'}

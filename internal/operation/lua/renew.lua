-- ARGV: 4 holder, 5 lease in ms, 6.. log lines
local r = redis.call('HMGET', op, 'state', 'holder')
if r[2] ~= ARGV[4] then return {'lost'} end
redis.call('HSET', op, 'until', whole(now + ARGV[5]))
append(6)
return {r[1]}

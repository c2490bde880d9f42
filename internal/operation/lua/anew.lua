-- ARGV: 4 number of the task that must be the current one, 5.. log lines
local r = redis.call('HMGET', op, 'state', 'n', 'holder', 'until', 'payload', 'kind')
if not r[1] or finished(r[1]) or r[2] ~= ARGV[4] or held(r[3], r[4]) or not r[5] then return {'stale'} end
append(5)
redis.call('HDEL', op, 'suspect')
return {'anew', whole(redis.call('HINCRBY', op, 'n', 1)), r[5], r[6], head() == token and '1' or '0'}

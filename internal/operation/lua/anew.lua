-- ARGV: 4 number of the task that must be the current one, 5 who asks, another one each time, 6.. log lines
local r = redis.call('HMGET', op, 'state', 'n', 'holder', 'until', 'payload', 'kind', 'anew')
if not r[1] or finished(r[1]) or held(r[3], r[4]) or not r[5] then return {'stale'} end
-- The same asker again: the client repeated the script after a lost answer.
if r[7] ~= ARGV[5] then
  if r[2] ~= ARGV[4] then return {'stale'} end
  append(6)
  redis.call('HDEL', op, 'suspect')
  r[2] = whole(redis.call('HINCRBY', op, 'n', 1))
  redis.call('HSET', op, 'anew', ARGV[5])
end
return {'anew', r[2], r[5], r[6], head() == token and '1' or '0'}

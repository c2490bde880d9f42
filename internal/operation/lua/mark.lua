-- ARGV: 4 what was seen of the current task: seen, suspect or nothing
local r = redis.call('HMGET', op, 'state', 'n')
if not r[1] or finished(r[1]) then return 0 end
if ARGV[4] == 'suspect' then
  redis.call('HSETNX', op, 'suspect', whole(now))
else
  redis.call('HDEL', op, 'suspect')
  redis.call('HSET', op, 'seen', r[2], 'seenat', whole(now))
end
return 1

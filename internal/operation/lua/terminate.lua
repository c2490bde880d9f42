-- ARGV: 4 ttl in ms, 5 failure for an end at once, 6 log line of an end at once, 7 log line where a handler runs,
-- 8 who asks, another one each time
local r = redis.call('HMGET', op, 'state', 'holder', 'until', 'n', 'kind', 'by', 'accepted')
if not r[1] then return {'unknown'} end
if finished(r[1]) then
  -- The same asker again: the client repeated the script after a lost answer.
  if r[6] == ARGV[8] then return {'ended', r[5], r[4], following()} end
  return {'done'}
end
if held(r[2], r[3]) then
  if r[1] == 'RUNNING' then
    redis.call('HSET', op, 'state', 'TERMINATING')
    append(7)
    tell()
  end
  return {'terminating'}
end
append(6, 6)
finish(ARGV[8], 'TERMINATED', ARGV[4], r[7], 'failure', ARGV[5])
return {'ended', r[5], r[4], following()}

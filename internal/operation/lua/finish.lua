-- KEYS: 4 what is known of the component, where that is to be replaced. ARGV: 4 holder, or '' from somebody who holds
-- no lease, 5 number of the task that must be the current one, or '', 6 state, 7 ttl in ms, 8 what is known now,
-- 9 outcome, failure or packed: the whole record, 10 its text, 11 how many log lines the record has if the packed one
-- knows all, 12.. log lines
local r = redis.call('HMGET', op, 'state', 'holder', 'until', 'n', 'by', 'lines', 'accepted', 'v')
if not r[1] then return {'unknown'} end
if finished(r[1]) then
  -- The same holder again: the client repeated the script after a lost answer.
  if r[5] == ARGV[4] then return {'done', following()} end
  return {'lost'}
end
if ARGV[4] == '' and held(r[2], r[3]) then return {'busy'} end
if ARGV[4] ~= '' and r[2] ~= ARGV[4] then return {'lost'} end
if ARGV[5] ~= '' and r[4] ~= ARGV[5] then return {'stale'} end
if r[1] == 'TERMINATING' and ARGV[6] ~= 'TERMINATED' then return {'terminating'} end
local packed = ARGV[9] == 'packed'
if packed and r[6] ~= ARGV[11] then return {'unpacked'} end
if KEYS[4] then keep(ARGV[8]) end
if ARGV[4] == '' and r[2] then tell() end
if packed then
  redis.call('DEL', op)
  redis.call('HSET', op, 'v', r[8], 'state', ARGV[6], 'finished', whole(now), 'by', ARGV[4], 'packed', ARGV[10])
  close(ARGV[6], ARGV[7], r[7])
else
  append(12)
  finish(ARGV[4], ARGV[6], ARGV[7], r[7], ARGV[9], ARGV[10])
end
return {'ended', following()}

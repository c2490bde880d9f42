-- KEYS: 4 what is known of the component, where that is wanted. ARGV: 4 holder, 5 lease in ms, 6 number of the task,
-- 7 newest record version that the caller knows
local r = redis.call('HMGET', op, 'state', 'v', 'n', 'holder', 'until', 'attempts', 'failed', 'crashes', 'accepted', 'started', 'postponed',
  'kind', 'meta', 'lines', 'log', 'tail', 'first')
local state, n, holder = r[1], tonumber(r[3] or 0), r[4]
if not state then return {'unknown'} end
if finished(state) then return {'done', state} end
if tonumber(r[2]) > tonumber(ARGV[7]) then return {'newer'} end
if tonumber(ARGV[6]) < n then return {'stale'} end
local function begun(attempts, crashes, started, first)
  return {'begun', whole(attempts), r[7] or '0', whole(crashes), r[9], started, first and '1' or '0', r[11] or '0',
    r[12], r[13], r[14] or '0', r[15] or '', r[16] or '', KEYS[4] and redis.call('GET', KEYS[4]) or ''}
end
-- The same holder again: the client repeated the script after a lost answer.
if holder == ARGV[4] then return begun(tonumber(r[6]), tonumber(r[8] or 0), r[10], r[17] == holder) end
if held(holder, r[5]) then return {'busy', whole(r[5] - now)} end
if state == 'TERMINATING' then return {'terminating'} end
local first = head()
if first ~= token then
  -- A line that Redis lost is made again from who asks.
  if not redis.call('LPOS', line, token) then
    redis.call('RPUSH', line, token)
    redis.call('ZADD', live, 'NX', whole(now), lane)
    first = head()
  end
  if first ~= token then return {'waiting'} end
end
-- A holder that never said how its attempt ended died with it.
local attempts, crashes = tonumber(r[6] or 0) + 1, tonumber(r[8] or 0)
if holder then
  crashes = crashes + 1
  tell() -- or it only thinks so: clocks may disagree about its lease
end
local started = r[10] or whole(now)
if not r[10] then redis.call('HSET', op, 'first', ARGV[4]) end
redis.call('HSET', op, 'holder', ARGV[4], 'until', whole(now + ARGV[5]), 'attempts', whole(attempts),
  'crashes', whole(crashes), 'started', started, 'n', ARGV[6], 'seen', ARGV[6], 'seenat', whole(now))
redis.call('HDEL', op, 'retry', 'suspect', 'postponed')
-- Should the holder die, the sweeper looks soon after its lease has lapsed.
redis.call('ZADD', live, 'XX', 'LT', whole(now + ARGV[5]), lane)
return begun(attempts, crashes, started, not r[10])

-- The attempt ended and another is to follow.
-- KEYS: 4 what is known of the component, where that is to be replaced. ARGV: 4 holder,
-- 5 why: failed, interrupted, postponed or unheard, 6 ms until the next attempt, 7 what is known now, 8.. log lines
local r = redis.call('HMGET', op, 'state', 'holder', 'by', 'first')
-- The same holder again: the client repeated the script after a lost answer.
if not r[2] and r[3] == ARGV[4] and not finished(r[1]) then return {'released'} end
if r[2] ~= ARGV[4] then return {'lost'} end
if r[1] == 'TERMINATING' then return {'TERMINATING'} end
append(8)
if KEYS[4] then keep(ARGV[7]) end
redis.call('HDEL', op, 'holder', 'until')
redis.call('HSET', op, 'retry', whole(now + ARGV[6]), 'by', ARGV[4])
if ARGV[5] == 'failed' then redis.call('HINCRBY', op, 'failed', 1) end
-- A postponed attempt has not been one, and one that its holder never heard of was never made.
if ARGV[5] == 'postponed' or ARGV[5] == 'unheard' then redis.call('HINCRBY', op, 'attempts', -1) end
if ARGV[5] == 'postponed' then redis.call('HSET', op, 'postponed', '1') end
if ARGV[5] == 'unheard' and r[4] == ARGV[4] then redis.call('HDEL', op, 'first', 'started') end
return {'released'}

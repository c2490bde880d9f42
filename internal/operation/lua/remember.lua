-- Remembers, and renews the lease as the renewing script does.
-- KEYS: 4 what is known of the component. ARGV: 4 holder, 5 what is known now, 6 lease in ms
local r = redis.call('HMGET', op, 'state', 'holder')
if r[2] ~= ARGV[4] then return {'lost'} end
redis.call('HSET', op, 'until', whole(now + ARGV[6]))
keep(ARGV[5])
return {r[1]}

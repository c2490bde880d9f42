-- Looks at a lane's line, from an index on, for the sweeper.
-- ARGV: 4 ms until the next look, 5 from, 6 to
if not head() then
  redis.call('ZREM', live, lane)
  return {}
end
redis.call('ZADD', live, 'XX', whole(now + ARGV[4]), lane)
local found = {}
for _, t in ipairs(redis.call('LRANGE', line, ARGV[5], ARGV[6])) do
  local r = redis.call('HMGET', prefix .. t, 'state', 'kind', 'n', 'attempts', 'accepted', 'seen', 'seenat', 'suspect', 'retry', 'holder', 'until')
  found[#found + 1] = {t, r[1] or '', r[2] or '', r[3] or '0', r[4] or '0', r[5] or '0', r[6] or '0', r[7] or '0',
    r[8] or '0', r[9] or '0', held(r[10], r[11]) and '1' or '0', whole(now)}
end
return found

-- Looks at a lane's line, from an index on, for the sweeper. Only the first can be held.
-- ARGV: 4 least ms until the next look, 5 from, 6 to, 7 ms between looks at two lanes, whichever, of this tag
if not head() then
  redis.call('ZREM', live, lane)
  return {}
end
-- A long backlog is not looked at more often than a short one, only in longer rounds.
local due = now + math.max(ARGV[4], redis.call('ZCARD', live) * ARGV[7])
local found = {}
for _, t in ipairs(redis.call('LRANGE', line, ARGV[5], ARGV[6])) do
  local r = redis.call('HMGET', prefix .. t, 'state', 'kind', 'n', 'attempts', 'accepted', 'seen', 'seenat', 'suspect', 'retry', 'holder', 'until')
  local lease = ''
  if r[10] then lease = held(r[10], r[11]) and 'held' or 'lapsed' end
  -- Should the holder die, the next look is soon after its lease has lapsed.
  if lease == 'held' then due = math.min(due, tonumber(r[11])) end
  found[#found + 1] = {t, r[1] or '', r[2] or '', r[3] or '0', r[4] or '0', r[5] or '0', r[6] or '0', r[7] or '0',
    r[8] or '0', r[9] or '0', lease, whole(now)}
end
if ARGV[5] == '0' then
  redis.call('ZADD', live, 'XX', whole(due), lane)
else -- a further page of the same look
  redis.call('ZADD', live, 'XX', 'LT', whole(due), lane)
end
return found

-- ARGV: 4 kind, 5 hash, 6 meta, 7 payload, 8 record version, 9 ms until the first check, 10 first log line
-- The same token again: the client repeated the script after a lost answer.
local known = redis.call('HMGET', op, 'state', 'n')
if known[1] then return {token, head() == token and 1 or 0, 1, known[2] or '0'} end
local tail = redis.call('LINDEX', line, -1)
if tail then
  local last = redis.call('HMGET', prefix .. tail, 'state', 'kind', 'hash', 'n', 'payload', 'meta')
  if last[1] == 'RUNNING' and last[2] == ARGV[4] and last[3] == ARGV[5] then
    redis.call('HSET', prefix .. tail, 'shared', '1')
    return {tail, head() == tail and 1 or 0, 0, last[4], last[5] or '', last[6] or ''}
  end
end
redis.call('HSET', op, 'v', ARGV[8], 'state', 'RUNNING', 'kind', ARGV[4], 'hash', ARGV[5], 'meta', ARGV[6],
  'payload', ARGV[7], 'accepted', whole(now), 'n', '0', 'lines', '1', 'log', ARGV[10] .. '\n')
redis.call('RPUSH', line, token)
redis.call('ZADD', listed('open'), whole(now), token)
redis.call('ZADD', live, 'NX', whole(now + ARGV[9]), lane)
return {token, (not tail or head() == token) and 1 or 0, 1, '0'}

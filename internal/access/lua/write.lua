-- Writes what is known of one user, while the lock is the owner's. KEYS: 1 the
-- lock, 2 the grant, 3 who wants it, 4 whom the component wants. ARGV: 1
-- owner, 2 the new grant or '' for none, 3 the component, 4 the user, 5
-- whether the component wants it (1 or 0)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
  redis.call('DEL', KEYS[2])
else
  redis.call('SET', KEYS[2], ARGV[2])
end
if ARGV[5] == '1' then
  redis.call('SADD', KEYS[3], ARGV[3])
  redis.call('SADD', KEYS[4], ARGV[4])
else
  redis.call('SREM', KEYS[3], ARGV[3])
  redis.call('SREM', KEYS[4], ARGV[4])
end
return 1

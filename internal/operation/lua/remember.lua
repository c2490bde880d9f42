-- KEYS: 4 what is known of the component. ARGV: 4 holder, 5 the new value, or '' to forget
if redis.call('HGET', op, 'holder') ~= ARGV[4] then return 0 end
if ARGV[5] == '' then
  redis.call('DEL', KEYS[4])
else
  redis.call('SET', KEYS[4], ARGV[5])
end
return 1

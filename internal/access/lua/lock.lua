-- Takes all locks or none. KEYS: the locks. ARGV: 1 owner, 2 the part of the
-- owner that all attempts at one operation share, 3 milliseconds
for _, key in ipairs(KEYS) do
  local owner = redis.call('GET', key)
  -- A later attempt at the same operation exists only once the earlier one was given up.
  if owner and string.sub(owner, 1, #ARGV[2]) ~= ARGV[2] then return 0 end
end
for _, key in ipairs(KEYS) do redis.call('SET', key, ARGV[1], 'PX', ARGV[3]) end
return 1

-- Says whether all locks are still the owner's, and prolongs them. KEYS: the
-- locks. ARGV: 1 owner, 2 milliseconds, 0 to give them up instead
local all = 1
for _, key in ipairs(KEYS) do
  if redis.call('GET', key) ~= ARGV[1] then
    all = 0
  elseif ARGV[2] == '0' then
    redis.call('DEL', key)
  else
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return all

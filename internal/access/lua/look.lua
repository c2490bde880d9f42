-- Reads what is known of users. KEYS: for each user its grant and who wants
-- it. ARGV: 1 the component. Answers for each: the grant or '', whether the
-- component wants it, how many others do, and one of these
local answer = {}
for i = 1, #KEYS, 2 do
  local mine = redis.call('SISMEMBER', KEYS[i + 1], ARGV[1])
  local others = redis.call('SCARD', KEYS[i + 1]) - mine
  local other = ''
  if others > 0 then
    for _, member in ipairs(redis.call('SRANDMEMBER', KEYS[i + 1], 2)) do
      if member ~= ARGV[1] then other = member end
    end
  end
  table.insert(answer, { redis.call('GET', KEYS[i]) or '', mine, others, other })
end
return answer

-- What every script of this package starts with. All keys of one lane share a
-- slot of a Redis Cluster, so a script may build the key of another operation
-- of its lane from the prefix.
local line, live, op = KEYS[1], KEYS[2], KEYS[3]
local prefix, token, lane = ARGV[1], ARGV[2], ARGV[3]

-- now is Redis's clock in milliseconds: one clock for all leases of a lane.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function whole(number) return string.format('%d', number) end

local function finished(state)
  return state == 'COMPLETED' or state == 'FAILED' or state == 'TERMINATED'
end

-- held says whether a handler's lease has not lapsed.
local function held(holder, till)
  return holder and till and tonumber(till) > now
end

-- head is the first unfinished token of the line; what no longer belongs there is dropped.
local function head()
  while true do
    local first = redis.call('LINDEX', line, 0)
    if not first then return false end
    local state = redis.call('HGET', prefix .. first, 'state')
    if state and not finished(state) then return first end
    redis.call('LPOP', line)
  end
end

-- following names the operation that may run now: token, kind, number of its task.
-- One that waits for its next attempt does not: its task comes by itself, later.
local function following()
  local first = head()
  if not first then
    redis.call('ZREM', live, lane)
    return '', '', ''
  end
  local next = redis.call('HMGET', prefix .. first, 'kind', 'n', 'retry')
  if next[3] and tonumber(next[3]) > now then return '', '', '' end
  return first, next[1] or '', next[2] or '0'
end

-- append adds the log lines in ARGV between two indexes; without the second, to
-- the end. The first 100 and the last 100 lines are kept (keptLines in Go).
local function append(from, to)
  to = to or #ARGV
  if from > to then return end
  local old = redis.call('HMGET', op, 'lines', 'log', 'tail')
  local lines, log, tail = tonumber(old[1] or 0), old[2] or '', old[3] or ''
  for i = from, to do
    lines = lines + 1
    if lines <= 100 then
      log = log .. ARGV[i] .. '\n'
    else
      tail = tail .. ARGV[i] .. '\n'
      if lines > 200 then tail = string.sub(tail, string.find(tail, '\n', 1, true) + 1) end
    end
  end
  redis.call('HSET', op, 'lines', whole(lines), 'log', log)
  if tail ~= '' then redis.call('HSET', op, 'tail', tail) end
end

-- tell has the worker whose attempt holds the operation ask whether it still may, before its next call. Where the
-- caller has no right to channels nobody hears it, and nobody listens either.
local function tell() redis.pcall('PUBLISH', string.match(prefix, '^(.*){') .. 'tell', token) end

-- keep replaces what is known of the component, under the fourth key; '' forgets it.
local function keep(value)
  if value == '' then
    redis.call('DEL', KEYS[4])
  else
    redis.call('SET', KEYS[4], value)
  end
end

-- listed names the index of this tag's operations that are in a state, or 'open',
-- by the time of their acceptance.
local function listed(state) return string.sub(prefix, 1, -4) .. 'listed:' .. state end

-- leave takes the operation out of its line.
local function leave()
  local ends = redis.call('LRANGE', line, -2, -1)
  if ends[#ends] ~= token then
    redis.call('LREM', line, 1, token)
    return
  end
  redis.call('RPOP', line)
  -- The one before was not the last to be accepted: a request like it is no repeat.
  if ends[2] then redis.call('HDEL', prefix .. ends[1], 'hash') end
end

-- close is what every end of an operation comes to, once its record is written.
local function close(state, ttl, accepted)
  redis.call('PEXPIRE', op, ttl)
  leave()
  local list = listed(state)
  redis.call('ZREM', listed('open'), token)
  redis.call('ZADD', list, accepted or whole(now), token)
  -- What was accepted twice the time ago for which records are kept is most likely gone; who lists skips it until then.
  redis.call('ZREMRANGEBYSCORE', list, '-inf', whole(now - 2 * ttl))
  redis.call('PEXPIRE', list, ttl)
end

-- finish ends the operation for good. The fields and values that follow say why.
-- by is the holder who ended it.
local function finish(by, state, ttl, accepted, ...)
  redis.call('HSET', op, 'state', state, 'finished', whole(now), 'by', by, ...)
  redis.call('HDEL', op, 'payload', 'hash', 'holder', 'until', 'retry', 'postponed', 'seen', 'seenat', 'suspect', 'shared', 'anew', 'first')
  close(state, ttl, accepted)
end

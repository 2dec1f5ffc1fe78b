-- Rolling windows: see windows/protocol.py and windows/redis_windows.py, which sends the requests.
--
-- KEYS[1]  the generation: every series that was begun in another generation is unknown
-- KEYS[2]  the tallies in which the transaction of an `observe` is counted, as a set of tokens
-- KEYS[3]  and the following: the series, then (of a `fill`) the sets of tokens of recent transactions
-- ARGV[1]  the request as JSON. Large numbers are texts, because this language has floating-point numbers only.
--
-- A tally is a hash: g generation, n token, s since when it is being filled (absent if it is known), and for each slot
-- c<slot> count, h<slot> and l<slot> the two halves of the sum.
-- A recent series is a sorted set of members by last time. One more member, with the score +inf, has the generation and
-- whether the series is known.

local request = cjson.decode(ARGV[1])
local at = tonumber(request.at)
local generation = redis.call('GET', KEYS[1])
if not generation then
  generation = request.new_generation
  redis.call('SET', KEYS[1], generation)
end
redis.call('PEXPIRE', KEYS[1], request.idle)

local FILLING, KNOWN = '#' .. generation .. ':filling', '#' .. generation .. ':known'

-- The state of a series and, of a tally, its token.
local function state_of(series)
  local key = KEYS[series.key]
  if series.tally then
    local found = redis.call('HMGET', key, 'g', 'n', 's')
    if found[1] ~= generation then return 'unknown', '' end
    if not found[3] then return 'known', found[2] end
    if math.abs(at - tonumber(found[3])) > request.filling then return 'unknown', '' end
    return 'filling', found[2]
  end
  if redis.call('ZSCORE', key, KNOWN) then return 'known', '' end
  if redis.call('ZSCORE', key, FILLING) then return 'filling', '' end
  return 'unknown', ''
end

local function begin(series)
  local key = KEYS[series.key]
  redis.call('DEL', key)
  if series.tally then
    redis.call('HSET', key, 'g', generation, 'n', series.token, 's', request.at)
    return 'filling', series.token
  end
  redis.call('ZADD', key, '+inf', FILLING)
  return 'filling', ''
end

local function count_in_slot(key, slot, count, high, low)
  redis.call('HINCRBY', key, 'c' .. slot, count)
  if high ~= '0' then redis.call('HINCRBY', key, 'h' .. slot, high) end
  redis.call('HINCRBY', key, 'l' .. slot, low)
end

local function remember(series, element, last)
  local key = KEYS[series.key]
  redis.call('ZADD', key, 'GT', last, element)
  local surplus = redis.call('ZCARD', key) - 1 - series.cap
  if surplus > 0 then redis.call('ZREMRANGEBYRANK', key, 0, surplus - 1) end
end

-- Whether the transaction is counted in the tally already. If not, remember that it is counted now.
local function is_repeated(seen_key, token)
  if redis.call('SADD', seen_key, token) == 0 then return true end
  redis.call('PEXPIRE', seen_key, request.repeated)
  return false
end

local function read_tally(series)
  local key, first = KEYS[series.key], tonumber(series.first)
  local sums, old = {c = 0, h = 0, l = 0}, {}
  local fields = redis.call('HGETALL', key)
  for index = 1, #fields, 2 do
    local field = fields[index]
    if #field > 1 then
      if tonumber(string.sub(field, 2)) >= first then
        local part = string.sub(field, 1, 1)
        sums[part] = sums[part] + tonumber(fields[index + 1])
      else
        old[#old + 1] = field
      end
    end
  end
  if #old > 0 then redis.call('HDEL', key, unpack(old)) end
  return string.format('%.0f,%.0f,%.0f,', sums.c, sums.h, sums.l)
end

local function read_members(series, read)
  local key = KEYS[series.key]
  redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. series.first)
  if read.question == 'members' then
    return (redis.call('ZCARD', key) - 1) .. ',0,0,'
  elseif read.question == 'last' then
    return '0,0,0,' .. (redis.call('ZSCORE', key, read.member .. '|') or '')
  end
  local prefix, count, last = read.member .. '|', 0, ''
  local found = redis.call('ZRANGEBYSCORE', key, series.first, '(+inf', 'WITHSCORES')
  for index = 1, #found, 2 do
    if string.sub(found[index], 1, #prefix) == prefix and found[index] ~= prefix .. request.id then
      count, last = count + 1, found[index + 1]
    end
  end
  return count .. ',0,0,' .. last
end

local function observe()
  local unknown, readings, tokens = {}, {}, {}
  for index, series in ipairs(request.series) do
    local state, token = state_of(series)
    if state == 'unknown' and series.is_read then state, token = begin(series) end
    if state == 'filling' and series.is_read then unknown[#unknown + 1] = (index - 1) .. ',' .. token end
    tokens[index] = state ~= 'unknown' and token
    if state ~= 'unknown' then redis.call('PEXPIRE', KEYS[series.key], request.idle) end
  end
  for _, write in ipairs(request.writes) do
    local series, token = request.series[write.series], tokens[write.series]
    if token and not series.tally then
      remember(series, write.element, write.at)
    elseif token and not is_repeated(KEYS[2], token) then
      count_in_slot(KEYS[series.key], write.slot, 1, write.high, write.low)
    end
  end
  for index, read in ipairs(request.reads) do
    local series = request.series[read.series]
    readings[index] = series.tally and read_tally(series) or read_members(series, read)
  end
  return {unknown, readings}
end

local function fill()
  local series = request.series[1]
  local key = KEYS[series.key]
  local state, token = state_of(series)
  if state ~= 'filling' or token ~= request.token then return 0 end
  for _, slot in ipairs(request.slots) do count_in_slot(key, slot.slot, slot.count, slot.high, slot.low) end
  for _, write in ipairs(request.writes) do
    if not is_repeated(KEYS[write.seen], token) then count_in_slot(key, write.slot, 1, write.high, write.low) end
  end
  for _, member in ipairs(request.members) do remember(series, member.element, member.at) end
  if series.tally then
    redis.call('HDEL', key, 's')
  else
    redis.call('ZREM', key, FILLING)
    redis.call('ZADD', key, '+inf', KNOWN)
  end
  return 1
end

if request.operation == 'fill' then return fill() end
return observe()

"""The Lua scripts that write the status cache; each one decides and writes in a single step of the server.

- KEYS[1] is always the head, and every key of a script carries the same hash tag, so that a cluster takes it.
- All checks of a script come before its first write, and XADD is the first write: its explicit id makes the
  server itself refuse an event number that is not higher than the last.
- A key of another type or a number that is none means that somebody else wrote here: ``lost``, no error.
- Works on Valkey 7.2 and later and Redis 6.2 and later.
"""

from ecert.store.status_bits import SUM_PRIME

__all__ = ["ADOPT", "APPLY", "BEGIN", "FINISH", "HEAD", "HEARTBEAT", "LATEST_BEAT", "PUT_LIST", "PUT_MARKS"]

# How long may lie between a leader's look at SQL and the heartbeat that vouches for it, in microseconds.
LATEST_BEAT = 2_000_000

_HEAD = """
local function number(text)
  if type(text) ~= 'string' or #text > 15 or not string.match(text, '^%d+$') then return nil end
  return tonumber(text)
end
local function typed(key, kind)
  local found = redis.call('TYPE', key).ok
  return found == kind or found == 'none'
end
local function clock()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local function head()
  if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return nil end
  local h = redis.call('HMGET', KEYS[1], 'epoch', 'fence', 'seq', 'beat', 'term', 'state')
  local found = {epoch=number(h[1]), fence=number(h[2]), seq=number(h[3]), beat=number(h[4]),
                 term=number(h[5]), state=h[6]}
  if not (found.epoch and found.fence and found.seq and found.beat and found.term) then return nil end
  if found.state ~= 'ready' and found.state ~= 'rebuilding' then return nil end
  return found
end
-- The head, if this writer may write; else nil and why not.
local function mine(epoch, fence)
  local found = head()
  if not found then return nil, 'lost' end
  if found.fence > fence then return nil, 'deposed' end
  if found.epoch ~= epoch then return nil, 'lost' end
  return found
end
"""

HEAD = (
    _HEAD
    + """
local found = head()
if not found then return {} end
return {found.epoch, found.term, found.seq, found.fence, found.beat, found.state, clock()}
"""
)

# ARGV: epoch, fence, seq, term
ADOPT = (
    _HEAD
    + """
local found, why = mine(tonumber(ARGV[1]), tonumber(ARGV[2]))
if not found then return why end
if found.state ~= 'ready' or found.seq ~= tonumber(ARGV[3]) then return 'lost' end
redis.call('HSET', KEYS[1], 'fence', ARGV[2], 'term', ARGV[4])
return 'done'
"""
)

# ARGV: epoch, fence, seq, since
HEARTBEAT = (
    _HEAD
    + f"""
local found, why = mine(tonumber(ARGV[1]), tonumber(ARGV[2]))
if not found then return why end
if found.state ~= 'ready' or found.seq ~= tonumber(ARGV[3]) then return 'lost' end
local now = clock()
local lag = now - tonumber(ARGV[4])
if lag < 0 or lag > {LATEST_BEAT} then return 'late' end
redis.call('HSET', KEYS[1], 'beat', string.format('%.0f', found.beat + 1), 'fence', ARGV[2],
           'lag', string.format('%.0f', lag), 'time', string.format('%.0f', now / 1000))
return 'done'
"""
)

# KEYS: head, lists, sums, changes. ARGV: epoch, fence, over (or '')
BEGIN = (
    _HEAD
    + """
local found = head()
local fence, over = tonumber(ARGV[2]), tonumber(ARGV[3])
if found and found.fence > fence and found.fence ~= over then return 'deposed' end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'term', ARGV[1], 'fence', ARGV[2], 'seq', '0', 'beat', '0',
           'lag', '0', 'time', string.format('%.0f', clock() / 1000), 'state', 'rebuilding')
return 'done'
"""
)

# KEYS: head, lists, sums, bits, marks. ARGV: epoch, fence, list, size, entries, sum
PUT_LIST = (
    _HEAD
    + """
local found, why = mine(tonumber(ARGV[1]), tonumber(ARGV[2]))
if not found then return why end
if found.state ~= 'rebuilding' or not typed(KEYS[2], 'hash') or not typed(KEYS[3], 'hash') then
  return 'lost'
end
redis.call('DEL', KEYS[5])
redis.call('SET', KEYS[4], ARGV[5])
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
redis.call('HSET', KEYS[3], ARGV[3], ARGV[6])
return 'done'
"""
)

# KEYS: head, marks. ARGV: epoch, fence, then indexes
PUT_MARKS = (
    _HEAD
    + """
local found, why = mine(tonumber(ARGV[1]), tonumber(ARGV[2]))
if not found then return why end
if found.state ~= 'rebuilding' or not typed(KEYS[2], 'set') then return 'lost' end
for i = 3, #ARGV do redis.call('SADD', KEYS[2], ARGV[i]) end
return 'done'
"""
)

# ARGV: epoch, fence, seq
FINISH = (
    _HEAD
    + """
local found, why = mine(tonumber(ARGV[1]), tonumber(ARGV[2]))
if not found then return why end
if found.state ~= 'rebuilding' then return 'lost' end
redis.call('HSET', KEYS[1], 'seq', ARGV[3], 'state', 'ready')
return 'done'
"""
)

# KEYS: head, lists, sums, changes, then bits and marks of each list of the batch.
# ARGV: epoch, fence, from, to, events (msgpack), lists (msgpack [[id, size], ...]), events the stream keeps
APPLY = (
    _HEAD
    + f"""
local P = {SUM_PRIME}
local from, to = tonumber(ARGV[3]), tonumber(ARGV[4])
local found, why = mine(tonumber(ARGV[1]), tonumber(ARGV[2]))
if not found then return {{why}} end
local live = found.state == 'ready'
if live and (found.seq ~= from or to <= from) then return {{'lost'}} end
if not (typed(KEYS[2], 'hash') and typed(KEYS[3], 'hash') and typed(KEYS[4], 'stream')) then
  return {{'lost'}}
end

local events, lists = cmsgpack.unpack(ARGV[5]), cmsgpack.unpack(ARGV[6])
local known, opened = {{}}, {{}}
for n, item in ipairs(lists) do
  local bits, marks = KEYS[3 + 2 * n], KEYS[4 + 2 * n]
  local size, sum = redis.call('HGET', KEYS[2], item[1]), redis.call('HGET', KEYS[3], item[1])
  local list = {{bits=bits, marks=marks, name=item[1], size=item[2], bytes=math.ceil(item[2] / 4)}}
  if not size then
    list.opened = true
    opened[#opened + 1] = item
  else
    list.sum = number(sum)
    if not list.sum or number(size) ~= item[2] then return {{'lost'}} end
    if redis.call('TYPE', bits).ok ~= 'string' or not typed(marks, 'set') then return {{'lost'}} end
    if redis.call('STRLEN', bits) ~= list.bytes then return {{'lost'}} end
  end
  known[item[1]] = list
end

if live then
  local call = {{'XADD', KEYS[4]}}
  local keep = to - tonumber(ARGV[7])
  if keep > 0 then
    call[3], call[4], call[5] = 'MINID', '~', string.format('%.0f', keep)
  end
  local words = {{ARGV[4] .. '-0', 'epoch', ARGV[1], 'from', ARGV[3], 'to', ARGV[4], 'data', ARGV[5]}}
  for _, word in ipairs(words) do call[#call + 1] = word end
  if #opened > 0 then
    call[#call + 1] = 'opened'
    call[#call + 1] = cmsgpack.pack(opened)
  end
  local added = redis.pcall(unpack(call))
  if type(added) == 'table' and added.err then
    if string.find(added.err, 'equal or smaller', 1, true) then return {{'lost'}} end
    return added
  end
end

-- 4 ^ e mod P, from the squares
local squares = {{4}}
for i = 2, 25 do squares[i] = squares[i - 1] * squares[i - 1] % P end
local function power(e)
  local product, i = 1, 1
  while e > 0 do
    if e % 2 == 1 then
      product = product * squares[i] % P
      e = e - 1
    end
    e = e / 2
    i = i + 1
  end
  return product
end

for _, list in pairs(known) do
  if list.opened then
    redis.call('SET', list.bits, string.rep('\\255', list.bytes))
    redis.call('DEL', list.marks)
    redis.call('HSET', KEYS[2], list.name, string.format('%.0f', list.size))
    list.sum = (power(4 * list.bytes) - 1) % P
  end
end

local kept = 0
for _, event in ipairs(events) do
  local list, idx, value = known[event[1]], event[2], event[3]
  local shift = 2 * (idx % 4)
  local at = 2 * (idx - idx % 4) + 6 - shift
  local old = redis.call('BITFIELD', list.bits, 'SET', 'u2', at, value)[1]
  if old == 1 and value ~= 1 then
    redis.call('BITFIELD', list.bits, 'SET', 'u2', at, 1)
    kept = kept + 1
  else
    if event[4] then
      redis.call('SADD', list.marks, idx)
    elseif old == 1 then
      redis.call('SREM', list.marks, idx)
    end
    if old ~= value then list.sum = (list.sum + (value - old) * power(idx)) % P end
  end
end
for _, list in pairs(known) do
  redis.call('HSET', KEYS[3], list.name, string.format('%.0f', list.sum))
end
local seq = live and ARGV[4] or string.format('%.0f', found.seq)
redis.call('HSET', KEYS[1], 'seq', seq, 'fence', ARGV[2])
return {{'done', kept}}
"""
)

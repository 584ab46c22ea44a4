-- Where a topic stands and a part of its stream, as of one moment. A script, since MULTI is refused by a Redis that is full.
-- KEYS[1] hash of the topic   KEYS[2] its stream   KEYS[3] set of topics   KEYS[4] birth of this Redis's data
-- ARGV[1] first entry id  ARGV[2] entries at most  ARGV[3] bytes after which no other entry is read  ARGV[4] longest record that is handed out
-- Returns {epoch, newest seq, committed seq, {id, record, id, record, ...}}, with '' for a record that is too long or none
local born = redis.call('GET', KEYS[4])
if not born then
  local now = redis.call('TIME')
  born = now[1] .. now[2]
  redis.call('SET', KEYS[4], born)
end
local epoch = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. '-' .. born
local known = redis.call('HMGET', KEYS[1], 'seq', 'committed')
local most, size, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local first, found, bytes, count = ARGV[1], {}, 0, 1
repeat
  local asked = math.min(count, most - #found / 2)
  local page = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', asked)
  for _, entry in ipairs(page) do
    if bytes >= size then break end
    local record = entry[2][1] == 'r' and entry[2][2] or ''
    if #record > longest then record = '' end
    bytes = bytes + #record
    table.insert(found, entry[1])
    table.insert(found, record)
    first = '(' .. entry[1]
  end
  count = math.min(count * 2, 128) -- few at first, since nobody knows how long they are
until #page < asked or bytes >= size or #found / 2 >= most
return {epoch, known[1] or '0', known[2] or '0', found}

-- Where a topic stands and a part of its stream, as of one moment. A script, since MULTI is refused by a Redis that is full.
-- KEYS[1] hash of the topic   KEYS[2] its stream   KEYS[3] set of topics   KEYS[4] birth of this Redis's data
-- ARGV[1] first entry id   ARGV[2] number of entries
-- Returns {epoch, newest seq, committed seq, entries}
local born = redis.call('GET', KEYS[4])
if not born then
  local now = redis.call('TIME')
  born = now[1] .. now[2]
  redis.call('SET', KEYS[4], born)
end
local epoch = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. '-' .. born
local known = redis.call('HMGET', KEYS[1], 'seq', 'committed')
return {epoch, known[1] or '0', known[2] or '0', redis.call('XRANGE', KEYS[2], ARGV[1], '+', 'COUNT', ARGV[2])}

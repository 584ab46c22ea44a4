-- The ingester has events up to seq of this epoch in its database: note it, and drop what lies far behind. Does nothing in another epoch,
-- where the same numbers may belong to events that nobody has read yet.
-- KEYS[1] hash of the topic   KEYS[2] its stream   KEYS[3] set of topics   KEYS[4] birth of this Redis's data
-- ARGV[1] topic  ARGV[2] epoch  ARGV[3] seq  ARGV[4] entries to keep for replay; with 0 the topic also leaves the set if nothing is unread
-- Returns 1, or 0 where the epoch is another one
local epoch = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. '-' .. (redis.call('GET', KEYS[4]) or '')
if epoch ~= ARGV[2] then return 0 end
local keep = tonumber(ARGV[4])
-- XTRIM goes first: it works in a Redis that is full, and the write behind it then does too.
redis.call('XTRIM', KEYS[2], 'MINID', string.format('%d-0', math.max(tonumber(ARGV[3]) - keep + 1, 0)))
redis.call('HSET', KEYS[1], 'committed', ARGV[3], 'committed_epoch', epoch)
if keep == 0 and redis.call('HGET', KEYS[1], 'seq') == ARGV[3] then redis.call('SREM', KEYS[3], ARGV[1]) end
return 1

-- The history is gone, or was set back: begin this topic anew, so that its producers are asked for all they have said. All that Redis serves
-- gets a new epoch with it, since the topic's numbers begin again.
-- KEYS[1] hash of the topic   KEYS[2] its stream   KEYS[3] set of topics   KEYS[4] birth of this Redis's data   KEYS[5] when the last loss was
-- ARGV[1] topic  ARGV[2] committed seq as it was seen by whoever missed it
-- Returns 1, or 0 where another one has been at it
if (redis.call('HGET', KEYS[1], 'committed') or '0') ~= ARGV[2] then return 0 end
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if field ~= 'fence' then redis.call('HDEL', KEYS[1], field) end
end
redis.call('DEL', KEYS[2])
redis.call('SADD', KEYS[3], ARGV[1])
local now = redis.call('TIME')
redis.call('SET', KEYS[4], now[1] .. now[2])
redis.call('SET', KEYS[5], now[1] .. now[2])
return 1

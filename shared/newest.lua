-- Where many topics stand, as of one moment, and the epoch (shared/bus.py).
-- KEYS[1] birth of this Redis's data   KEYS[2..] hashes of the topics
-- Returns {epoch, newest seq of each topic}, with '' for a topic whose hash is none, which must not hide the others
local epoch = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. '-' .. (redis.call('GET', KEYS[1]) or '')
local newest = {}
for index = 2, #KEYS do
  local seq = redis.pcall('HGET', KEYS[index], 'seq') or '0'
  newest[index - 1] = type(seq) == 'string' and seq or ''
end
return {epoch, newest}

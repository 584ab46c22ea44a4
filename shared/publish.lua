-- Publish a batch of one producer's events on one topic, atomically: fence, duplicates, numbering, stream and pub/sub in one place.
-- KEYS[1] hash of the topic (seq, fence, committed, committed_epoch, producer:<name>)   KEYS[2] its stream   KEYS[3] set of topics   KEYS[4] birth of this Redis's data
-- ARGV[1] topic  ARGV[2] fence or ''  ARGV[3] producer  ARGV[4] live channel  ARGV[5] producer_seq of the first event
-- ARGV[6] producer_seq of the oldest event the producer still has  ARGV[7] that of the one before the first  ARGV[8..] packed records
-- Returns {'ok', last producer_seq taken} | {'stale', highest fence, last producer_seq taken} | {'rewind', producer_seq wanted next}
local kind = redis.call('TYPE', KEYS[2]).ok
-- Before anything is written: a script that fails half-way leaves what it has written.
if kind ~= 'none' and kind ~= 'stream' then return redis.error_reply('WRONGTYPE ' .. KEYS[2] .. ' is no stream but a ' .. kind) end
local field = 'producer:' .. ARGV[3]
local taken = tonumber(redis.call('HGET', KEYS[1], field) or '0')
if ARGV[2] ~= '' then
  local highest = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
  local fence = tonumber(ARGV[2])
  if fence < highest then return {'stale', highest, taken} end
  if fence > highest then redis.call('HSET', KEYS[1], 'fence', ARGV[2]) end
end
taken = math.max(taken, tonumber(ARGV[6]) - 1)
local first = tonumber(ARGV[5])
if taken < tonumber(ARGV[7]) then return {'rewind', taken + 1} end
taken = math.max(taken, first - 1)
-- The epoch (shared/bus.py, `epoch`): who serves, which changes with every restart, and since when this data exists, which changes with FLUSHALL.
local born = redis.call('GET', KEYS[4])
if not born then
  local now = redis.call('TIME')
  born = now[1] .. now[2]
  redis.call('SET', KEYS[4], born)
end
local epoch = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') .. '-' .. born
for index = 8, #ARGV do
  local producer_seq = first + index - 8
  if producer_seq > taken then
    local seq = string.format('%d', redis.call('HINCRBY', KEYS[1], 'seq', 1))
    redis.call('XADD', KEYS[2], seq .. '-0', 'r', ARGV[index])
    redis.call('PUBLISH', ARGV[4], ARGV[1] .. ' ' .. epoch .. ' ' .. seq .. ' ' .. ARGV[index])
    taken = producer_seq
  end
end
redis.call('HSET', KEYS[1], field, string.format('%d', taken))
redis.call('SADD', KEYS[3], ARGV[1])
return {'ok', taken}

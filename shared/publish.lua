-- Publish a batch of one producer's events on one topic, atomically: fence, duplicates, numbering, stream and pub/sub in one place.
-- KEYS[1] hash of the topic (seq, fence, producer:<name>)   KEYS[2] stream of the topic   KEYS[3] set of topics with unread events
-- ARGV[1] topic  ARGV[2] fence or ''  ARGV[3] producer  ARGV[4] live channel  ARGV[5] producer_seq of the first event  ARGV[6..] packed records
-- Returns {'ok', last producer_seq taken} | {'stale', highest fence} | {'rewind', producer_seq wanted next}
if ARGV[2] ~= '' then
  local highest = tonumber(redis.call('HGET', KEYS[1], 'fence') or '0')
  local fence = tonumber(ARGV[2])
  if fence < highest then return {'stale', highest} end
  if fence > highest then redis.call('HSET', KEYS[1], 'fence', fence) end
end
-- The epoch is the server's own run id: it changes with every restart, which is when the append-only file may have lost its last second.
local epoch = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local field = 'producer:' .. ARGV[3]
local taken = tonumber(redis.call('HGET', KEYS[1], field) or '0')
local first = tonumber(ARGV[5])
if first > taken + 1 then return {'rewind', taken + 1} end
for index = 6, #ARGV do
  local producer_seq = first + index - 6
  if producer_seq > taken then
    local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('XADD', KEYS[2], string.format('%d-0', seq), 'r', ARGV[index])
    redis.call('PUBLISH', ARGV[4], ARGV[1] .. ' ' .. epoch .. ' ' .. string.format('%d', seq) .. ' ' .. ARGV[index])
    taken = producer_seq
  end
end
redis.call('HSET', KEYS[1], field, taken)
redis.call('SADD', KEYS[3], ARGV[1])
return {'ok', taken}

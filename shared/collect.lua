-- What lies behind a position in each of many streams, in bounded memory.
-- KEYS the streams   ARGV[1] bytes in all, about  ARGV[2] longest record that is handed out  ARGV[3] entries of a stream at most
-- ARGV[4..] first entry id of each stream
-- Returns per stream {id, record, id, record, ...}, with '' for a record that is too long or none, or what is wrong with the stream
local share = math.max(tonumber(ARGV[1]) / #KEYS, 65536)
local longest, most = tonumber(ARGV[2]), tonumber(ARGV[3])
local answer = {}
for place, key in ipairs(KEYS) do
  local first, bytes, found, count = ARGV[3 + place], 0, {}, 1
  repeat
    local asked = math.min(count, most - #found / 2)
    local page = redis.pcall('XRANGE', key, first, '+', 'COUNT', asked)
    if page.err then found = page.err break end
    for _, entry in ipairs(page) do
      local record = entry[2][1] == 'r' and entry[2][2] or ''
      bytes = bytes + #record
      table.insert(found, entry[1])
      table.insert(found, #record <= longest and record or '')
      first = '(' .. entry[1]
    end
    count = math.min(count * 2, 128) -- few at first, since nobody knows how long they are
  until #page < asked or bytes >= share or #found / 2 >= most
  answer[place] = found
end
return answer

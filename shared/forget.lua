-- Forget how far each producer of a topic has been heard, so that all are asked for everything they still have. Fence and numbers stay.
-- KEYS[1] hash of the topic
-- Returns how many producers are asked
local asked = 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  if string.sub(field, 1, 9) == 'producer:' then asked = asked + redis.call('HDEL', KEYS[1], field) end
end
return asked

-- Adds what a process has let in to what all have, for each key; answers how many seconds each key is in debt.
-- KEYS: the buckets. ARGV: seconds that one call costs, the most that is remembered, and then the calls of each key.
-- A bucket is the moment at which it is full again (GCRA), on this server's clock, and expires with it.
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local debts = {}
for i, key in ipairs(KEYS) do
   local full_at = math.max(tonumber(redis.call('GET', key) or now), now) + ARGV[1] * ARGV[i + 2]
   local debt = math.min(full_at - now, tonumber(ARGV[2]))
   if debt > 0.001 then
      redis.call('SET', key, string.format('%.6f', now + debt), 'PX', math.ceil(debt * 1000))
   end
   debts[i] = string.format('%.6f', debt)
end
return debts

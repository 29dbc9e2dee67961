-- Keeps a board unless one as new is there. ARGV: revision, seq, leader_seq, whole, the seconds to keep it, then for each
-- bidder id, amount and entry.
local revision = shown()
if revision and tonumber(revision) >= tonumber(ARGV[1]) then
    return 0
end
forget()
redis.call('HSET', board, 'revision', ARGV[1], 'seq', ARGV[2], 'leader_seq', ARGV[3], 'whole', ARGV[4])
for at = 6, #ARGV, 3 do
    redis.call('HSET', board, ARGV[at], ARGV[at + 2])
    redis.call('ZADD', order, ARGV[at + 1], ARGV[at])
end
keep(ARGV[5])
return 1

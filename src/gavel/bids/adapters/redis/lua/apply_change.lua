-- Brings a board from the revision before a change to the one after it; a newer board stays, and one that misses a change
-- in between is deleted. Returns whether there was a board. ARGV: revision before, revision, seq, leader_seq, the bidders to keep at most, the seconds to
-- keep it, then for each bidder of the change id, amount, last_bid_seq and the number of new bids.
local revision = shown()
if not revision then
    return 0
end
if tonumber(revision) >= tonumber(ARGV[2]) then
    return 1
end
if revision ~= ARGV[1] then
    forget()
    return 1
end
local whole = redis.call('HGET', board, 'whole') == '1'
for at = 7, #ARGV, 4 do
    local stood = redis.call('HGET', board, ARGV[at])
    if not stood and not whole then
        forget()
        return 1
    end
    local bids = tonumber(ARGV[at + 3]) + (stood and tonumber(string.match(stood, '%d+$')) or 0)
    redis.call('HSET', board, ARGV[at], ARGV[at + 1] .. ' ' .. ARGV[at + 2] .. ' ' .. string.format('%.0f', bids))
    redis.call('ZADD', order, ARGV[at + 1], ARGV[at])
end
local excess = redis.call('ZCARD', order) - ARGV[5]
if excess > 0 then
    local left_out = redis.call('ZRANGE', order, 0, excess - 1)
    redis.call('HDEL', board, unpack(left_out))
    redis.call('ZREM', order, unpack(left_out))
    redis.call('HSET', board, 'whole', 0)
end
redis.call('HSET', board, 'revision', ARGV[2], 'seq', ARGV[3], 'leader_seq', ARGV[4])
keep(ARGV[6])
return 1

-- The board's revision, seq and leader_seq, then its first ARGV[1] bidders, each with its entry; empty if there is no
-- board.
if not shown() then
    return {}
end
local found = redis.call('HMGET', board, 'revision', 'seq', 'leader_seq')
local bidders = redis.call('ZREVRANGE', order, 0, ARGV[1] - 1)
if #bidders > 0 then
    local entries = redis.call('HMGET', board, unpack(bidders))
    for at, bidder in ipairs(bidders) do
        found[#found + 1] = bidder
        found[#found + 1] = entries[at]
    end
end
return found

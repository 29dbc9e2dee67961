-- Shared beginning of all leaderboard scripts. KEYS[1], the board, is a hash: `revision`, `seq` and `leader_seq` that
-- it shows, `whole` (1 if no bidder is left out), and for each bidder "amount last_bid_seq bid_count". KEYS[2], the
-- order, is a sorted set of the bidders by amount. Scores only order; amounts are read from the hash, as text.
local board, order = KEYS[1], KEYS[2]
local ABOUT = 4

local function forget()
    redis.call('DEL', board, order)
end

-- The revision that is shown, or nil. A key of another type, or an incomplete board, is deleted.
local function shown()
    local kinds = {redis.call('TYPE', board).ok, redis.call('TYPE', order).ok}
    if kinds[1] == 'none' and kinds[2] == 'none' then
        return nil
    end
    if kinds[1] == 'hash' and (kinds[2] == 'zset' or kinds[2] == 'none') then
        local revision = redis.call('HGET', board, 'revision')
        if revision and tonumber(revision) and redis.call('HLEN', board) == redis.call('ZCARD', order) + ABOUT then
            return revision
        end
    end
    forget()
    return nil
end

local function keep(seconds)
    redis.call('EXPIRE', board, seconds)
    redis.call('EXPIRE', order, seconds)
end

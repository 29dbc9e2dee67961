-- An item's highest bidders with the state of the auction, in one statement, hence one snapshot. Highest amount first;
-- on a tie the leader first, then the earlier bid. At least one row if the item exists.
SELECT a.revision, a.seq, a.last_bid_seq AS leader_seq, s.user_id::text, s.amount, s.last_bid_seq, s.bid_count
FROM auctions a
LEFT JOIN LATERAL (
    SELECT * FROM standings
    WHERE item_id = a.item_id
    ORDER BY amount DESC, last_bid_seq = a.last_bid_seq DESC, last_bid_seq
    LIMIT $2
) AS s ON true
WHERE a.item_id = $1::uuid
ORDER BY s.amount DESC, s.last_bid_seq = a.last_bid_seq DESC, s.last_bid_seq

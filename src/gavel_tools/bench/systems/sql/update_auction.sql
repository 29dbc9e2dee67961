-- The state after a bid, written under the lock that it was decided under.
UPDATE auctions
SET updated_at = $2, price = $3, leader_id = $4, leader_maximum = $5, bid_count = $6, last_bid_seq = $7, seq = $8, revision = $9
WHERE item_id = $1

-- Tells an item without bids from an item that is not there.
SELECT EXISTS (SELECT FROM auctions WHERE item_id = $1::uuid)

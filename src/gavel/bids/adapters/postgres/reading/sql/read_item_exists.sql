-- Whether the item exists: distinguishes an item without bids from an unknown one.
SELECT EXISTS (SELECT FROM auctions WHERE item_id = $1::uuid)

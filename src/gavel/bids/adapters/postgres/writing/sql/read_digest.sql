-- The last digest of an item's log.
SELECT digest FROM auctions WHERE item_id = $1

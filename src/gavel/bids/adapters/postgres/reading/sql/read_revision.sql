-- The committed revision: a copy with another one is not current.
SELECT revision FROM auctions WHERE item_id = $1::uuid

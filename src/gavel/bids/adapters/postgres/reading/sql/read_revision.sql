-- The revision that is committed: whatever shows another one is not the present state.
SELECT revision FROM auctions WHERE item_id = $1::uuid

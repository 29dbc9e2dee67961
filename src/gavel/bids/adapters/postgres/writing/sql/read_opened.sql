-- The clock that a new item is decided by, and the item that the seller's key stands for already; nulls where it is new.
SELECT clock_timestamp() AS at, k.request, a.*
FROM (VALUES (1)) AS one
LEFT JOIN item_keys k ON k.seller_id = $1::uuid AND k.key = $2
LEFT JOIN auctions a ON a.item_id = k.item_id

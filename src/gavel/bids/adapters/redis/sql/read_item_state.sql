-- One item as it is now without its texts, and the committed version of them: a copy with another version is stale.
SELECT clock_timestamp() AS at, a.*, l.xmin::text AS texts_version
FROM auctions a
JOIN listings l USING (item_id)
WHERE a.item_id = $1::uuid

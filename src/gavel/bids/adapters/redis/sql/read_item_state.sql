-- One item as it is now without its texts, and which version of them is committed: whatever copy has another one is old.
SELECT clock_timestamp() AS at, a.*, l.xmin::text AS texts_version
FROM auctions a
JOIN listings l USING (item_id)
WHERE a.item_id = $1::uuid

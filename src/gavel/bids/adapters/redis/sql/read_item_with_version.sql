-- One item as it is now with its texts and the version of them, all of one snapshot. The transaction that last wrote a row
-- is its version: it changes with every change, and nothing has to be stored for it.
SELECT clock_timestamp() AS at, i.*, l.xmin::text AS texts_version
FROM items i
JOIN listings l USING (item_id)
WHERE i.item_id = $1::uuid

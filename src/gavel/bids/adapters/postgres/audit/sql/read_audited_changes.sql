-- All columns of the changes of texts of a range of items, in the order in which digests cover them, and the digest.
SELECT item_id::text, revision, user_id::text, created_at, title, description, images, category, traceparent, seq, digest
FROM listing_changes c
WHERE c.item_id BETWEEN $1::text::uuid AND $2::text::uuid
ORDER BY c.item_id, c.revision

-- All columns of the raised maxima of a range of items, in the order in which digests cover them, and the digest.
SELECT item_id::text, revision, user_id::text, maximum, created_at, traceparent, seq, digest
FROM maximum_raises r
WHERE r.item_id BETWEEN $1::text::uuid AND $2::text::uuid
ORDER BY r.item_id, r.revision

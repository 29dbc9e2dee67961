-- Deletes some letters, oldest first; any of them, or those named in $1.
DELETE FROM dead_letters
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM dead_letters
    WHERE $1::text[] IS NULL OR letter_id = ANY ($1)
    ORDER BY died_at, letter_id
    LIMIT $2
))

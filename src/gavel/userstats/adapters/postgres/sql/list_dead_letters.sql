-- A page of letters, oldest first, after a position; all of them, or those named in $3.
SELECT letter_id, body, reason, died_at
FROM dead_letters
WHERE (died_at, letter_id) > ($1, $2) AND ($3::text[] IS NULL OR letter_id = ANY ($3))
ORDER BY died_at, letter_id
LIMIT $4

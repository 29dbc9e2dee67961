-- Stores letters; one that is stored already stays as it is.
INSERT INTO dead_letters (letter_id, body, reason)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::text[])
ON CONFLICT DO NOTHING

-- Outbox rows as the lane writes them, due from the commit on.
INSERT INTO outbox (routing_key, event_count, body)
SELECT * FROM unnest($1::text[], $2::integer[], $3::bytea[])

-- Claims the ids that nobody counted, and tells which: an id is claimed once, or the transaction rolls back.
-- $1 must be sorted, so that several counters wait for each other in one direction only.
INSERT INTO counted_events (event_id)
SELECT * FROM unnest($1::uuid[])
ON CONFLICT DO NOTHING
RETURNING event_id::text

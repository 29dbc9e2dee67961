-- Claims the ids that were not counted yet, and returns them; NULL if that is all of them, the usual case.
-- An id is claimed once, or the transaction rolls back. $1 is sorted, so that counters wait in one direction only.
WITH claimed AS (
    INSERT INTO counted_events (event_id)
    SELECT * FROM unnest($1::text::uuid[])
    ON CONFLICT DO NOTHING
    RETURNING event_id
)
SELECT CASE WHEN count(*) < cardinality($1::text::uuid[]) THEN coalesce(array_agg(event_id::text), '{}') END FROM claimed

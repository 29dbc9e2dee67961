-- Compares the events of seconds ($1, $2) with the ids counted, notes those that are incomplete as due after $4, and that
-- all was checked until $3; nothing while $5 seconds wait for their events, which are asked for $6 times.
WITH room AS (
    SELECT FROM (SELECT FROM incomplete_seconds WHERE requests < $6 LIMIT $5) AS noted HAVING count(*) < $5
), found AS (
    SELECT second, events, events - (
        SELECT count(*) FROM counted_events
        WHERE event_id >= first_event_id(second) AND event_id < first_event_id(second + 1)
    ) AS missing
    FROM unnest($1::text::bigint[], $2::text::bigint[]) AS logged (second, events)
), noted AS (
    INSERT INTO incomplete_seconds (second, events, missing, due_at)
    SELECT second, events, missing, clock_timestamp() + $4::interval FROM found, room WHERE missing > 0
    ON CONFLICT DO NOTHING
)
UPDATE completeness SET checked_until = greatest(checked_until, $3) FROM room

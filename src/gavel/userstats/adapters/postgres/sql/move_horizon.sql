-- Moves the horizon on, never back; under lock_counting.sql. Age is measured from the newest event that was counted, and
-- not by the clock alone: what is still owed after a long stop of everything is no older for it. Only ids of version 7
-- contain a time; one from the future counts as the clock's now.
UPDATE counting
SET forgotten_before = greatest(forgotten_before, coalesce((
    SELECT least(
        clock_timestamp(),
        to_timestamp(('x' || left(replace(event_id::text, '-', ''), 12))::bit(48)::bigint / 1000.0)
    )
    FROM counted_events
    WHERE substr(event_id::text, 15, 1) = '7'
    ORDER BY event_id DESC
    LIMIT 1
), forgotten_before) - $1::interval)
RETURNING forgotten_before

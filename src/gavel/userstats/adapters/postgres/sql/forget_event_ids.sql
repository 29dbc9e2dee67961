-- Deletes some ids before $1, oldest first. The horizon already refuses such events: none is counted twice.
-- Only the order of version 7 ids is by time; other ids stay.
DELETE FROM counted_events
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM counted_events
    WHERE event_id < $1::uuid AND substr(event_id::text, 15, 1) = '7'
    ORDER BY event_id
    LIMIT $2
))

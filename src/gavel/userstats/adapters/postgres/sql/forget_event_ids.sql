-- Lets go of some ids before $1, oldest first. Such events are refused by the horizon already: none is counted twice.
-- Only ids of version 7 tell a time by their order; others stay.
DELETE FROM counted_events
WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM counted_events
    WHERE event_id < $1::uuid AND substr(event_id::text, 15, 1) = '7'
    ORDER BY event_id
    LIMIT $2
))

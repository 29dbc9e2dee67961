-- Counts again up to $1 incomplete seconds that are due, and deletes those that are complete. Returns the others with the
-- number of requests so far, and makes them due again after a pause from $2 on that doubles with each of $3 requests.
-- Ids before the horizon may be gone: such seconds stay noted until a rebuild.
WITH due AS (
    SELECT second, events, requests FROM incomplete_seconds
    WHERE due_at <= clock_timestamp()
        AND second >= (SELECT ceil(extract(epoch FROM forgotten_before))::bigint + 3600 FROM counting)
    ORDER BY requests >= $3, due_at
    LIMIT $1
    FOR UPDATE SKIP LOCKED
), found AS (
    SELECT second, requests, events - (
        SELECT count(*) FROM counted_events
        WHERE event_id >= first_event_id(second) AND event_id < first_event_id(second + 1)
    ) AS missing
    FROM due
), complete AS (
    DELETE FROM incomplete_seconds AS held USING found WHERE held.second = found.second AND found.missing <= 0
)
UPDATE incomplete_seconds AS held
SET missing = found.missing, requests = least(found.requests + 1, $3),
    due_at = clock_timestamp() + $2::interval * 2 ^ (found.requests + 1)
FROM found
WHERE held.second = found.second AND found.missing > 0
RETURNING held.second, held.missing, found.requests

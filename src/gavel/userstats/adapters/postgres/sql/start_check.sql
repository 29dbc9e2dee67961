-- Starts a check unless one was started within $1; returns the second that it begins with. Ids before the horizon may be
-- gone, and it moves on meanwhile: what was not checked until an hour after it can't be, and stays noted until a rebuild.
WITH judged AS (
    SELECT ceil(extract(epoch FROM forgotten_before))::bigint + 3600 AS since FROM counting
), unchecked AS (
    INSERT INTO incomplete_seconds (second, events, missing, requests, due_at)
    SELECT c.checked_until, 1, 1, $2, 'infinity' FROM completeness c, judged WHERE c.checked_until < judged.since
    ON CONFLICT DO NOTHING
)
UPDATE completeness
SET check_started_at = clock_timestamp(), checked_until = greatest(checked_until, judged.since)
FROM judged
WHERE check_started_at < clock_timestamp() - $1::interval
RETURNING checked_until

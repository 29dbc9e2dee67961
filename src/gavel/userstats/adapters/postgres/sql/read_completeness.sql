-- How long ago the last checked second was, and how many events are missing of those that were checked.
SELECT extract(epoch FROM clock_timestamp())::bigint - checked_until AS age_seconds,
    (SELECT coalesce(sum(missing), 0)::bigint FROM incomplete_seconds) AS missing
FROM completeness

-- How much is owed, the oldest first and up to a limit, and for how long. Locks nothing; rows in a relay's hands count.
SELECT count(*) AS rows, coalesce(sum(event_count), 0)::bigint AS events,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::double precision AS oldest_age_seconds
FROM (SELECT event_count, created_at FROM outbox ORDER BY id LIMIT $1) AS owed

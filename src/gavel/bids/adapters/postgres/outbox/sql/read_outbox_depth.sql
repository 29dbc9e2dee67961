-- Depth and age of the outbox, oldest rows first, counted up to a limit. Locks nothing; rows that a relay has claimed count.
SELECT count(*) AS rows, coalesce(sum(event_count), 0)::bigint AS events,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)), 0)::double precision AS oldest_age_seconds
FROM (SELECT event_count, created_at FROM outbox ORDER BY id LIMIT $1) AS owed

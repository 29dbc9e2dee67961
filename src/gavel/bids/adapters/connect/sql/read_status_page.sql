-- What the installation is doing, at one moment: cheap enough to be asked every second, however much there is.
-- Bids are counted by the server's own statistics, which no index on the log has to pay for, about a second late.
SELECT clock_timestamp() AS at,
       (SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = 'bids'::regclass) AS bids,
       (SELECT count(*)
        FROM auctions
        WHERE cancelled_at IS NULL AND closed_at IS NULL AND start_at <= clock_timestamp() AND end_at > clock_timestamp()
       ) AS items_active,
       (SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(end_at)), 0), 0)::double precision
        FROM auctions
        WHERE cancelled_at IS NULL AND closed_at IS NULL
       ) AS closer_overdue_seconds,
       coalesce(sum(owed.event_count), 0)::bigint AS outbox_events,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - min(owed.created_at)), 0), 0)::double precision
           AS outbox_oldest_seconds
FROM (SELECT event_count, created_at FROM outbox ORDER BY id LIMIT $1) AS owed

-- What the installation is doing, at one moment: cheap enough to be asked every second, however much there is.
-- Bids are counted by the server's own statistics, which no index on the log has to pay for, about a second late.
-- Open auctions are counted as they open and close; what the clock has done since is read from where it begins.
-- Of those that have ended $1 are counted at most, of those that have begun 1,000: more wait only where no bid worker runs.
SELECT clock_timestamp() AS at,
       (SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = 'bids'::regclass) AS bids,
       ((SELECT sum(auctions) FROM open_auction_counts)
        - (SELECT count(*)
           FROM (SELECT FROM auctions
                 WHERE started AND cancelled_at IS NULL AND closed_at IS NULL AND end_at <= statement_timestamp()
                 LIMIT $1) AS ended)
        + (SELECT count(*)
           FROM (SELECT start_at, end_at FROM auctions
                 WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL
                 ORDER BY start_at, item_id
                 LIMIT 1000) AS first
           WHERE start_at <= statement_timestamp() AND end_at > statement_timestamp())
       )::bigint AS items_active,
       (SELECT coalesce(greatest(extract(epoch FROM clock_timestamp() - min(end_at)), 0), 0)::double precision
        FROM auctions
        WHERE cancelled_at IS NULL AND closed_at IS NULL
       ) AS closer_overdue_seconds,
       coalesce(sum(owed.event_count), 0)::bigint AS outbox_events,
       coalesce(greatest(extract(epoch FROM clock_timestamp() - min(owed.created_at)), 0), 0)::double precision
           AS outbox_oldest_seconds
FROM (SELECT event_count, created_at FROM outbox ORDER BY id LIMIT $1) AS owed

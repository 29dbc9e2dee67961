-- Transactions that began since the oldest snapshot that is held, by a session, by a replica that gives feedback or for a
-- replication slot; 0 if none is. What they deleted or replaced can't be removed meanwhile.
SELECT coalesce(max(age(held.xmin)), 0)::bigint
FROM (
    SELECT backend_xmin AS xmin FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND (datname = current_database() OR datname IS NULL)
    UNION ALL
    SELECT xmin FROM pg_replication_slots
) AS held

-- The state of counting. A rebuild is running only while its session holds the lock ($1).
SELECT
    forgotten_before,
    rebuilding AND EXISTS (
        SELECT FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND granted
            AND ((classid::bigint << 32) | objid::bigint) = $1
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS rebuilding
FROM counting

-- Start of the oldest transaction that writes, NULL if there is none, and the clock. What such a transaction records is not
-- visible yet, and may have a time from its start on. Of other roles' sessions the server shows nothing.
SELECT clock_timestamp() AS now, min(xact_start) AS oldest
FROM pg_stat_activity
WHERE datname = current_database() AND backend_xid IS NOT NULL

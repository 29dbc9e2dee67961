-- Time of the oldest outbox row, NULL if there is none. Rows that a relay has claimed and not yet published count.
SELECT created_at FROM outbox ORDER BY id LIMIT 1

-- When an event was put into the outbox; no row if it is not there. Reads the whole outbox, and locks nothing.
SELECT created_at FROM outbox WHERE position(convert_to($1, 'UTF8') IN body) > 0 ORDER BY id LIMIT 1

-- Since when an event has been owed to the broker; nothing where it is not. Reads the whole outbox, and locks nothing.
SELECT created_at FROM outbox WHERE position(convert_to($1, 'UTF8') IN body) > 0 ORDER BY id LIMIT 1

-- Moves the horizon on, never back, by the database's clock; under lock_counting.sql.
UPDATE counting
SET forgotten_before = greatest(forgotten_before, clock_timestamp() - $1::interval)
RETURNING forgotten_before

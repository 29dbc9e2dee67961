-- From the commit on, all counters count in both sets of tables; under lock_counting.sql.
UPDATE counting SET rebuilding = true RETURNING forgotten_before

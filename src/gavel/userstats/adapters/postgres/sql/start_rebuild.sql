-- From the commit on, whoever counts does so in both sets of tables; under lock_counting.sql.
UPDATE counting SET rebuilding = true RETURNING forgotten_before

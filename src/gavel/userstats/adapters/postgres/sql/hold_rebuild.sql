-- The session's sign that its rebuild lives; false where another's does. Postgres takes it back when the session ends.
SELECT pg_try_advisory_lock($1)

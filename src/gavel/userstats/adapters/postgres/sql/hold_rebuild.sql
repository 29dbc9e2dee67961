-- Takes the session's lock that marks a running rebuild; false if another session holds it. It ends with the session.
SELECT pg_try_advisory_lock($1)

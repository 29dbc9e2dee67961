-- The one clock that decides. A statement of its own after the lock: beside FOR UPDATE it would be read before the wait.
SELECT clock_timestamp()

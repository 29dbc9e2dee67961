-- The one clock that decides.
SELECT clock_timestamp()

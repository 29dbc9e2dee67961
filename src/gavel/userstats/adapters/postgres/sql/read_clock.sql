-- The clock by which ids grow old.
SELECT clock_timestamp()

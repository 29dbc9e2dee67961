-- The clock, if no item was ever listed here; no row otherwise.
SELECT clock_timestamp() AS at WHERE NOT EXISTS (SELECT FROM auctions)

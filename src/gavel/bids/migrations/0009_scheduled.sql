-- Of the rows that exist, those of auctions to come. Apart from what alters the table, so that no read waits for it.
UPDATE auctions SET started = false WHERE start_at > clock_timestamp() AND cancelled_at IS NULL AND closed_at IS NULL;

-- Finds what the log recorded in a second, for checkpoints. A row is never moved or changed, so its place tells its time: a
-- range index has one entry for a megabyte of rows, and costs an insert nothing. It is kept current page by page, since what
-- it does not cover yet is read whole.
CREATE INDEX bids_by_time ON bids USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX item_events_by_time ON item_events USING brin (created_at) WITH (autosummarize = on);

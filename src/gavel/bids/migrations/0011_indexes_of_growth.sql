-- Indexes by which no list, no trace and no pass of the bid worker reads what it does not show. Each is built while bids go on.

-- Open auctions apart from scheduled ones.
CREATE INDEX CONCURRENTLY auctions_open ON auctions (end_at, item_id) WHERE started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX CONCURRENTLY auctions_open_by_category ON auctions (category, end_at, item_id)
    WHERE started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX CONCURRENTLY auctions_scheduled ON auctions (start_at, item_id) INCLUDE (end_at)
    WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX CONCURRENTLY auctions_scheduled_by_category ON auctions (category, start_at, item_id) INCLUDE (end_at)
    WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX CONCURRENTLY auctions_cancelled_by_category ON auctions (category, end_at, item_id) WHERE cancelled_at IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS auctions_by_start;

-- The auctions that are over, in the order in which the pruner of the keys goes through them. No bid changes what it covers.
CREATE INDEX CONCURRENTLY auctions_over ON auctions (coalesce(closed_at, cancelled_at)) WHERE closed_at IS NOT NULL OR cancelled_at IS NOT NULL;
CREATE INDEX CONCURRENTLY item_keys_by_item ON item_keys (item_id);

-- What the log recorded in a second, for checkpoints. A row is never moved or changed, so its place shows its time: a
-- range index has one entry for a megabyte of rows, and costs an insert nothing. It is kept current page by page, since what
-- it does not cover yet is read whole.
CREATE INDEX CONCURRENTLY bids_by_time ON bids USING brin (created_at) WITH (autosummarize = on);
CREATE INDEX CONCURRENTLY item_events_by_time ON item_events USING brin (created_at) WITH (autosummarize = on);

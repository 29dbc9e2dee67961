-- Open auctions apart from scheduled ones, and how many there are, so that no list and no count reads what it does not show.

-- Whether an auction has started: noted by the bid worker within a second of its start, because no index can ask the clock.
-- Nothing is decided by it. Rows that exist count as started without being rewritten; those of a process of the release
-- before, which does not know the column, are noted like scheduled ones.
ALTER TABLE auctions ADD COLUMN started boolean NOT NULL DEFAULT true;
ALTER TABLE auctions ALTER COLUMN started SET DEFAULT false;
UPDATE auctions SET started = false WHERE start_at > clock_timestamp() AND cancelled_at IS NULL AND closed_at IS NULL;

CREATE TRIGGER auction_starts_once BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (OLD.started AND NOT NEW.started) EXECUTE FUNCTION refuse_change();

CREATE INDEX auctions_open ON auctions (end_at, item_id) WHERE started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX auctions_open_by_category ON auctions (category, end_at, item_id)
    WHERE started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX auctions_scheduled ON auctions (start_at, item_id) INCLUDE (end_at)
    WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX auctions_scheduled_by_category ON auctions (category, start_at, item_id) INCLUDE (end_at)
    WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL;
CREATE INDEX auctions_cancelled_by_category ON auctions (category, end_at, item_id) WHERE cancelled_at IS NOT NULL;
DROP INDEX auctions_by_start;

-- The count of open auctions, in parts: two transactions that open or close auctions seldom wait for each other.
CREATE TABLE open_auction_counts (
    part integer PRIMARY KEY,
    auctions bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO open_auction_counts SELECT part, 0 FROM generate_series(0, 15) AS part;
UPDATE open_auction_counts
SET auctions = (SELECT count(*) FROM auctions WHERE started AND cancelled_at IS NULL AND closed_at IS NULL)
WHERE part = 0;

-- With the owner's rights: the processes' role may read the count and not set it.
CREATE FUNCTION count_open_auction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
BEGIN
    UPDATE open_auction_counts SET auctions = auctions + TG_ARGV[0]::integer WHERE part = pg_backend_pid() % 16;
    RETURN NULL;
END
$$;
CREATE TRIGGER auction_listed_open AFTER INSERT ON auctions FOR EACH ROW
    WHEN (NEW.started) EXECUTE FUNCTION count_open_auction('1');
CREATE TRIGGER auction_started AFTER UPDATE ON auctions FOR EACH ROW
    WHEN (NEW.started AND NOT OLD.started AND NEW.cancelled_at IS NULL AND NEW.closed_at IS NULL)
    EXECUTE FUNCTION count_open_auction('1');
CREATE TRIGGER auction_over AFTER UPDATE ON auctions FOR EACH ROW
    WHEN (OLD.started AND OLD.cancelled_at IS NULL AND OLD.closed_at IS NULL
          AND (NEW.cancelled_at IS NOT NULL OR NEW.closed_at IS NOT NULL))
    EXECUTE FUNCTION count_open_auction('-1');

-- How many auctions are open, so that no status page counts them.
CREATE TRIGGER auction_starts_once BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (OLD.started AND NOT NEW.started) EXECUTE FUNCTION refuse_change();

-- The count in parts: two transactions that open or close auctions seldom wait for each other.
CREATE TABLE open_auction_counts (
    part integer PRIMARY KEY,
    auctions bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO open_auction_counts SELECT part, 0 FROM generate_series(0, 15) AS part;

-- With the owner's rights: the processes' role may read the count and not set it. Every name is qualified, because a role
-- that may make temporary tables could otherwise have the owner write to one with a trigger of its own.
CREATE FUNCTION count_open_auction() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE public.open_auction_counts SET auctions = auctions + TG_ARGV[0]::integer WHERE part = pg_backend_pid() % 16;
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

-- Behind the triggers, whose making waits for all that write: what is counted now is what they go on from.
UPDATE open_auction_counts
SET auctions = (SELECT count(*) FROM auctions WHERE started AND cancelled_at IS NULL AND closed_at IS NULL)
WHERE part = 0;

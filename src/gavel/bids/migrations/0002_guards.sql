-- The invariants that a CHECK can't hold, because they compare a row with what it was.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused by the guard % on %', TG_NAME, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

-- An auction that is closed or cancelled stays as it is. Before that its numbers never fall, a state that differs has
-- a higher revision, the price rises with every bid and with nothing else, and the end moves back for a close only.
CREATE TRIGGER auction_only_moves_on BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (OLD.cancelled_at IS NOT NULL OR OLD.closed_at IS NOT NULL
          OR NEW.price < OLD.price OR NEW.bid_count < OLD.bid_count OR NEW.last_bid_seq < OLD.last_bid_seq
          OR NEW.seq - OLD.seq < NEW.bid_count - OLD.bid_count OR NEW.revision - OLD.revision < NEW.seq - OLD.seq
          OR (NEW.price = OLD.price) <> (NEW.bid_count = OLD.bid_count)
          OR (NEW.seq = OLD.seq AND (NEW.end_at <> OLD.end_at OR NEW.cancelled_at IS NOT NULL OR NEW.closed_at IS NOT NULL))
          OR (NEW.revision = OLD.revision AND NEW.leader_maximum <> OLD.leader_maximum)
          OR (NEW.bid_count = OLD.bid_count AND (NEW.leader_id <> OLD.leader_id OR NEW.leader_maximum < OLD.leader_maximum))
          OR (NEW.end_at < OLD.end_at AND NEW.closed_at IS NULL))
    EXECUTE FUNCTION refuse_change();

-- What was agreed when the item was listed stays.
CREATE TRIGGER auction_terms_stay BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN ((OLD.item_id, OLD.seller_id, OLD.currency, OLD.created_at, OLD.start_at, OLD.scheduled_end_at, OLD.start_price,
           OLD.reserve_price, OLD.buy_now_price, OLD.soft_close_window_seconds, OLD.soft_close_extension_seconds,
           OLD.soft_close_max_extension_seconds, OLD.increment_fixed, OLD.increment_basis_points)
          IS DISTINCT FROM
          (NEW.item_id, NEW.seller_id, NEW.currency, NEW.created_at, NEW.start_at, NEW.scheduled_end_at, NEW.start_price,
           NEW.reserve_price, NEW.buy_now_price, NEW.soft_close_window_seconds, NEW.soft_close_extension_seconds,
           NEW.soft_close_max_extension_seconds, NEW.increment_fixed, NEW.increment_basis_points))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER auctions_stay BEFORE DELETE OR TRUNCATE ON auctions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A bidder's standing only rises, and a higher amount is a later bid.
CREATE TRIGGER standing_only_rises BEFORE UPDATE ON standings FOR EACH ROW
    WHEN (NEW.amount < OLD.amount OR NEW.maximum < OLD.maximum
          OR (NEW.amount > OLD.amount) <> (NEW.last_bid_seq > OLD.last_bid_seq)
          OR (NEW.amount > OLD.amount) <> (NEW.bid_count > OLD.bid_count))
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER standings_stay BEFORE DELETE OR TRUNCATE ON standings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The log is append-only.
CREATE TRIGGER bids_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bids FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON item_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER maximum_raises_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON maximum_raises FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bid_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The log has no gap: each event comes right after another that was not the last, under a seq of its own, and amounts
-- rise, but for an automatic bid that may equal the bid before it. Checked at the end of the statement, for all its rows.
CREATE FUNCTION refuse_bids_out_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM added n
        LEFT JOIN bids b ON b.item_id = n.item_id AND b.seq = n.seq - 1
        WHERE EXISTS (SELECT FROM item_events e WHERE e.item_id = n.item_id AND e.seq = n.seq)
           OR CASE
                  WHEN b.seq IS NOT NULL THEN b.amount > n.amount OR (b.amount = n.amount AND NOT n.automatic)
                  ELSE NOT EXISTS (SELECT FROM item_events e
                                   WHERE e.item_id = n.item_id AND e.seq = n.seq - 1 AND e.price < n.amount
                                     AND e.kind IN ('listed', 'extended'))
              END
    ) THEN
        RAISE EXCEPTION 'refused by the guard % on %', TG_NAME, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER bids_in_order AFTER INSERT ON bids REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_bids_out_of_order();

CREATE FUNCTION refuse_events_out_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM bids WHERE item_id = NEW.item_id AND seq = NEW.seq)
       OR NOT (NEW.kind = 'listed'
               OR EXISTS (SELECT FROM bids WHERE item_id = NEW.item_id AND seq = NEW.seq - 1)
               OR EXISTS (SELECT FROM item_events
                          WHERE item_id = NEW.item_id AND seq = NEW.seq - 1 AND kind IN ('listed', 'extended')))
    THEN
        RAISE EXCEPTION 'refused by the guard % on %', TG_NAME, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER item_events_in_order AFTER INSERT ON item_events FOR EACH ROW EXECUTE FUNCTION refuse_events_out_of_order();

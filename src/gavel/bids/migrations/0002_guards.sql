-- The invariants that a CHECK can't hold, because they compare a row with what it was.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused by the guard % on %', TG_NAME, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

-- Price, seq and revision never fall, no bid comes at or after a close, and an auction closes once.
CREATE TRIGGER auction_only_moves_on BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN (NEW.price < OLD.price OR NEW.seq < OLD.seq OR NEW.bid_count < OLD.bid_count OR NEW.revision <= OLD.revision
          OR OLD.cancelled_at IS NOT NULL OR OLD.closed_at IS NOT NULL)
    EXECUTE FUNCTION refuse_change();

-- What was agreed when the item was listed stays.
CREATE TRIGGER auction_terms_stay BEFORE UPDATE ON auctions FOR EACH ROW
    WHEN ((OLD.seller_id, OLD.currency, OLD.start_at, OLD.scheduled_end_at, OLD.start_price, OLD.reserve_price, OLD.buy_now_price)
          IS DISTINCT FROM
          (NEW.seller_id, NEW.currency, NEW.start_at, NEW.scheduled_end_at, NEW.start_price, NEW.reserve_price, NEW.buy_now_price))
    EXECUTE FUNCTION refuse_change();

-- The log is append-only.
CREATE TRIGGER bids_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bids FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_events_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON item_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER maximum_raises_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON maximum_raises FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON bid_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

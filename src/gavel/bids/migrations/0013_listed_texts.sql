-- What bidders see is what the log has: the listed row covers all texts, and none but the category changes after a bid.

CREATE FUNCTION refuse_late_change_of_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.item_id <> OLD.item_id
       OR EXISTS (SELECT FROM auctions
                  WHERE item_id = OLD.item_id AND (bid_count > 0 OR cancelled_at IS NOT NULL OR closed_at IS NOT NULL))
    THEN
        RAISE EXCEPTION 'refused by the guard % on %', TG_NAME, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER texts_stay_after_a_bid BEFORE UPDATE ON listings FOR EACH ROW
    WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION refuse_late_change_of_texts();
CREATE TRIGGER listings_stay BEFORE DELETE OR TRUNCATE ON listings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Of the texts that are long, their digests. Rows of before this migration have none, and their digests do not cover them.
ALTER TABLE item_events ADD COLUMN category text, ADD COLUMN description_digest bytea, ADD COLUMN images_digest bytea;
ALTER TABLE item_events ADD CONSTRAINT item_events_texts CHECK (
    category IS NULL AND description_digest IS NULL AND images_digest IS NULL
    OR kind = 'listed' AND category IS NOT NULL AND length(description_digest) = 32 AND length(images_digest) = 32
) NOT VALID;

-- Idempotency keys are kept until 30 days after their auction is over: no client tries a request again for so long.
-- Everything else of the log stays for ever.

-- The time up to which the pruner has gone. It takes these tables in this order, too.
ALTER TABLE installation ADD COLUMN keys_pruned_until timestamptz NOT NULL DEFAULT '-infinity';

CREATE FUNCTION refuse_early_pruning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM pruned p
        LEFT JOIN auctions a USING (item_id)
        WHERE coalesce(a.closed_at, a.cancelled_at, 'infinity') > clock_timestamp() - interval '30 days'
    ) THEN
        RAISE EXCEPTION 'refused by the guard % on %', TG_NAME, TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END
$$;

DROP TRIGGER bid_keys_append_only ON bid_keys;
CREATE TRIGGER bid_keys_stay BEFORE UPDATE OR TRUNCATE ON bid_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER bid_keys_of_long_over_auctions AFTER DELETE ON bid_keys REFERENCING OLD TABLE AS pruned
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_early_pruning();

DROP TRIGGER item_keys_append_only ON item_keys;
CREATE TRIGGER item_keys_stay BEFORE UPDATE OR TRUNCATE ON item_keys FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_keys_of_long_over_auctions AFTER DELETE ON item_keys REFERENCING OLD TABLE AS pruned
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_early_pruning();

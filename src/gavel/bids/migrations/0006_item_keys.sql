-- Idempotency keys of new items, scoped to the seller: a retry is answered with the item that the first request listed.
-- `request` is a digest of what was asked for, because a listing is long and may have a reserve.
CREATE TABLE item_keys (
    seller_id uuid NOT NULL,
    key text NOT NULL CHECK (length(key) BETWEEN 1 AND 128),
    request text NOT NULL,
    item_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (seller_id, key)
);
CREATE TRIGGER item_keys_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON item_keys
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

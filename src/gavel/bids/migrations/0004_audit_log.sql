-- What a seller changed of an item's texts: a change without an event, kept for ever like the rest of the log.
-- A text that was not set is null.
CREATE TABLE listing_changes (
    item_id uuid NOT NULL,
    revision bigint NOT NULL,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    title text,
    description text,
    images text[],
    category text,
    traceparent text,
    PRIMARY KEY (item_id, revision)
);
CREATE TRIGGER listing_changes_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON listing_changes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Every change of an auction with its actor, time and request. The actor is null where it is the clock or a rule:
-- an extension, and the close. No maximum and no reserve is in it.
CREATE VIEW audit_log AS
SELECT item_id, created_at, CASE WHEN automatic THEN 'automatic bid' ELSE 'bid' END AS what, seq, NULL::bigint AS revision,
       user_id AS actor_id, amount, traceparent
FROM bids
UNION ALL
SELECT e.item_id, e.created_at, e.kind, e.seq, NULL, CASE WHEN e.kind IN ('listed', 'cancelled') THEN a.seller_id END, e.price,
       e.traceparent
FROM item_events e
JOIN auctions a USING (item_id)
UNION ALL
SELECT item_id, created_at, 'maximum raised', NULL, revision, user_id, NULL, traceparent
FROM maximum_raises
UNION ALL
SELECT item_id, created_at, 'texts changed', NULL, revision, user_id, NULL, traceparent
FROM listing_changes;

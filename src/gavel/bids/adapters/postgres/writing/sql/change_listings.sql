-- The texts that sellers set anew in a batch, and the record of who did it and when; null leaves a text as it is. An item
-- has one row of texts, and a row of the record for each change. In the transaction of the decisions, and run before the
-- new states are written: after a close or a cancellation no guard lets it.
WITH described AS (
    UPDATE listings l
    SET title = coalesce(t.title, l.title), description = coalesce(t.description, l.description), images = coalesce(t.images, l.images)
    FROM unnest($3::listing_texts[]) AS t
    WHERE l.item_id = t.item_id
), recorded AS (
    INSERT INTO listing_changes (created_at, item_id, revision, user_id, title, description, images, category, traceparent, seq, digest)
    SELECT $1, * FROM unnest($2::listing_change_row[])
)
UPDATE auctions a SET category = t.category
FROM unnest($3::listing_texts[]) AS t
WHERE a.item_id = t.item_id AND a.category <> t.category

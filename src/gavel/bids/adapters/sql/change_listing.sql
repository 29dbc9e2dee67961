-- The texts that a seller sets anew, in the transaction of the decision, and the record of who did it and when; null
-- leaves a text as it is.
WITH described AS (
    UPDATE listings
    SET title = coalesce($2, title), description = coalesce($3, description), images = coalesce($4, images)
    WHERE item_id = $1::uuid
), recorded AS (
    INSERT INTO listing_changes (item_id, revision, user_id, created_at, title, description, images, category, traceparent, seq, digest)
    SELECT item_id, $6, seller_id, updated_at, $2, $3, $4, $5, $7, $8, $9 FROM auctions WHERE item_id = $1::uuid
)
UPDATE auctions SET category = $5 WHERE item_id = $1::uuid AND category <> $5

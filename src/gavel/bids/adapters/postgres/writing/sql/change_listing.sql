-- The texts that a seller sets anew, in the transaction of the decision, and the record of who did it and when; null
-- leaves a text as it is. Run before the new state is written: after a close or a cancellation no guard lets it.
WITH described AS (
    UPDATE listings
    SET title = coalesce($3, title), description = coalesce($4, description), images = coalesce($5, images)
    WHERE item_id = $2::uuid
), recorded AS (
    INSERT INTO listing_changes (item_id, revision, user_id, created_at, title, description, images, category, traceparent, seq, digest)
    SELECT item_id, $7, seller_id, $1, $3, $4, $5, $6, $8, $9, $10 FROM auctions WHERE item_id = $2::uuid
)
UPDATE auctions SET category = $6 WHERE item_id = $2::uuid AND category <> $6

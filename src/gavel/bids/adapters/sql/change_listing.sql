-- The texts that a seller sets anew, in the transaction of the decision; null leaves a text as it is.
WITH described AS (
    UPDATE listings
    SET title = coalesce($2, title), description = coalesce($3, description), images = coalesce($4, images)
    WHERE item_id = $1::uuid
)
UPDATE auctions SET category = $5 WHERE item_id = $1::uuid AND category <> $5

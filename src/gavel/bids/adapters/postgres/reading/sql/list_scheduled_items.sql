-- A page of the items that have not started, starting soonest first, after a position of now or later.
SELECT i.*
FROM (
    SELECT item_id, start_at FROM auctions
    WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL AND (start_at, item_id) > ($1, $2::uuid)
    ORDER BY start_at, item_id
    LIMIT $3
) AS page
JOIN item_entries i USING (item_id)
ORDER BY page.start_at, page.item_id

-- A page of the items that take bids, ending soonest first, after a position of now or later.
-- The second half: those that have started and are not noted yet, 1,000 at most. More wait only where no bid worker runs.
SELECT i.*
FROM (
    (SELECT item_id, end_at FROM auctions
     WHERE started AND cancelled_at IS NULL AND closed_at IS NULL AND (end_at, item_id) > ($1, $2::uuid)
     ORDER BY end_at, item_id
     LIMIT $3)
    UNION ALL
    (SELECT item_id, end_at
     FROM (SELECT item_id, start_at, end_at FROM auctions
           WHERE NOT started AND cancelled_at IS NULL AND closed_at IS NULL
           ORDER BY start_at, item_id
           LIMIT 1000) AS first
     WHERE start_at <= $4 AND (end_at, item_id) > ($1, $2::uuid)
     ORDER BY end_at, item_id
     LIMIT $3)
    ORDER BY end_at, item_id
    LIMIT $3
) AS page
JOIN item_entries i USING (item_id)
ORDER BY page.end_at, page.item_id

-- One bid with the first later bid of another bidder, and the end of the item. Reads no maximum.
SELECT b.user_id::text, b.amount, b.automatic, b.traceparent, a.currency, a.end_at,
       CASE WHEN current_setting('track_commit_timestamp')::boolean THEN pg_xact_commit_timestamp(b.xmin) END AS committed_at,
       o.seq AS outbid_seq, o.amount AS outbid_amount, o.created_at AS outbid_at,
       e.created_at AS ended_at, coalesce(e.sold AND e.leader_id = b.user_id, false) AS won
FROM bids AS b
JOIN auctions AS a USING (item_id)
LEFT JOIN LATERAL (
    SELECT seq, amount, created_at FROM bids WHERE item_id = b.item_id AND seq > b.seq AND user_id <> b.user_id ORDER BY seq LIMIT 1
) AS o ON true
LEFT JOIN item_events AS e ON e.item_id = b.item_id AND e.kind = 'closed'
WHERE b.item_id = $1 AND b.seq = $2

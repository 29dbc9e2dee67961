-- Number of events of each second from $1 until before $2; seconds without any are left out.
SELECT extract(epoch FROM date_trunc('second', created_at))::bigint AS second, count(*) AS events
FROM (
    SELECT created_at FROM bids WHERE created_at >= to_timestamp($1::bigint) AND created_at < to_timestamp($2::bigint)
    UNION ALL
    SELECT created_at FROM item_events WHERE created_at >= to_timestamp($1::bigint) AND created_at < to_timestamp($2::bigint)
) AS recorded
GROUP BY 1
ORDER BY 1

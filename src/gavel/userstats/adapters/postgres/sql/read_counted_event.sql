-- Whether an event was counted, its commit time if the server records those, and the horizon of known ids.
SELECT c.event_id IS NOT NULL AS counted, g.forgotten_before,
       CASE WHEN current_setting('track_commit_timestamp')::boolean THEN pg_xact_commit_timestamp(c.xmin) END AS counted_at
FROM counting AS g
LEFT JOIN counted_events AS c ON c.event_id = $1

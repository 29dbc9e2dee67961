-- The events that no relay has handed over yet, those under a claim included.
SELECT coalesce(sum(event_count), 0)::bigint FROM outbox

-- The rows that no relay has handed over yet, those under a claim included.
SELECT id, event_count, created_at FROM outbox

-- An outbox row: if the transaction rolls back, so does this.
INSERT INTO outbox (routing_key, event_count, body) VALUES ($1, $2, $3)

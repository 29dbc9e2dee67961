"""The transactional outbox and the encoding of events."""

"""What any process needs and no auction word: databases, the HTTP server, health, logs, settings."""

"""RabbitMQ: connection and topology."""

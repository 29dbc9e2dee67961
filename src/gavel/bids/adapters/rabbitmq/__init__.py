"""Publishing events and feed messages to RabbitMQ."""

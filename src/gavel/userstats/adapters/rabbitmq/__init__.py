"""Consuming events from RabbitMQ."""

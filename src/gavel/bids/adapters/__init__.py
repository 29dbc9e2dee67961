"""Adapters of the write side: Connect, Postgres, Redis, RabbitMQ and in-memory."""

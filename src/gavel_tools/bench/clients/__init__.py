"""Clients of the system under test: load generators and watchers."""

"""Logs, metrics and traces of the real processes."""

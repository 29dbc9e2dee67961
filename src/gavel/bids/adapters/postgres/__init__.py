"""The write side's ports on PostgreSQL."""

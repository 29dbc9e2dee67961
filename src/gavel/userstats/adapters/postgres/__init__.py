"""The read side's ports on PostgreSQL."""

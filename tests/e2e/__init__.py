"""The real processes, called from outside."""

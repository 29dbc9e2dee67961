"""Deciding commands in batches under row locks."""

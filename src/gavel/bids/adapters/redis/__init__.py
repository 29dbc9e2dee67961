"""Caches of item texts and leaderboards."""

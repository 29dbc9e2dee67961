"""Reads of items, bids and leaderboards."""

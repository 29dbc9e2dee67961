"""The write side: decides bids, keeps their log, and owes every event to the broker."""

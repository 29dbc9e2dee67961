"""The write side over Connect: requests, replies, errors, access rules and live streams."""

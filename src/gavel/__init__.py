"""Gavel: a real-time auction system with a write side that decides bids and a read side that counts them."""

__version__ = "0.1.0"

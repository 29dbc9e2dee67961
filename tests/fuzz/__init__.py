"""Requests that nobody would send, made from the contract's descriptors."""

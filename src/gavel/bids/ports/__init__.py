"""Ports of the write side, named by role: Protocols with the semantics that types can't express."""

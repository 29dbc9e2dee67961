"""Adapters of the read side: Connect, Postgres, the transports, the wire format."""

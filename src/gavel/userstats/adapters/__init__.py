"""Where the read side meets its technologies: Connect, Postgres, the transports, the wire format."""

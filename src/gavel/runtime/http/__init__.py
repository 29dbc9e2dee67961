"""HTTP: server, limits, access control, tokens and instrumentation."""

"""Redis: connection, circuit breaker and single flight."""

"""Infrastructure of every process: databases, broker, HTTP server, telemetry, settings. It knows neither side."""

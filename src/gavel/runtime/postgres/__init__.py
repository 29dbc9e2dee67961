"""PostgreSQL: connections, migrations, grants and the embedded server."""

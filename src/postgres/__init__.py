"""PostgreSQL, as both sides use it: connections, migrations, statements, COPY, the embedded server."""

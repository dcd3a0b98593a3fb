"""PostgreSQL: connections, and the schema and its migrations."""

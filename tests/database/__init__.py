"""What sessions with PostgreSQL are set to, how commands start on a database, and when it is read-only."""

"""What both sides use of PostgreSQL."""

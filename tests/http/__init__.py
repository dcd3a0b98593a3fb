"""The served application: real processes, real HTTP, a real PostgreSQL."""

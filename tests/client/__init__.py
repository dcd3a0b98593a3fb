"""The Python client: its spool alone, and all of it against real services."""

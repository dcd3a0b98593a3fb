"""Queries and history over HTTP, through the ASGI application, on a real PostgreSQL."""

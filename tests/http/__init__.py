"""The served application: real processes, real HTTP, a real PostgreSQL."""  # noqa: A005 (tests.http)

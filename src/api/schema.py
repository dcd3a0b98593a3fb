"""The schema of the whole service: that of the log, and that of the read models."""

from postgres.migrate import Schema

SCHEMA = Schema(("app", "projections"))

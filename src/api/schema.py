"""The schema of the whole service: that of the log, and that of the read models."""

from postgres.migrate import Schema
from projections.models.registry import tables

SCHEMA = Schema(
    ("app", "projections"),
    derived=("tracking", *tables()),
    shared=(
        *("tenants", "tenant_currencies", "api_keys", "closings"),
        *("removed_tenants", "removed_logs", "histories"),
    ),
)

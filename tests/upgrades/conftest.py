"""A fresh database for each upgrade, and services on it."""

from tests.http.conftest import folder, start

__all__ = ["folder", "start"]  # fixtures, the same as of the served application

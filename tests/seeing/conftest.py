"""A service to be looked at, and its commands."""

from tests.cli.conftest import run, served
from tests.http.conftest import folder, service, start

__all__ = ["folder", "run", "served", "service", "start"]  # fixtures of the commands

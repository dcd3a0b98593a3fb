"""What is wrong with a database, or may become so, and what to do: asked, never changed."""

from postgres.doctor.access import access
from postgres.doctor.disk import disk
from postgres.doctor.findings import Finding, Verdict
from postgres.doctor.server import server
from postgres.doctor.session import asking
from postgres.doctor.upkeep import upkeep

__all__ = ["Finding", "Verdict", "access", "asking", "disk", "server", "upkeep"]

"""Where an abuse, or a lawful load, goes: a service on loopback, and the tenant in whose name it comes."""

from collections.abc import Callable
from multiprocessing.synchronize import Event
from typing import NamedTuple


class Target(NamedTuple):
    """A service, and a tenant's key with all scopes."""

    host: str
    port: int
    key: str


Load = Callable[[Target, Event], None]
"""Loads a service until the event is set, in a process of its own. What it is answered is its own affair."""

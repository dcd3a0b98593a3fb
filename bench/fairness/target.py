"""Where an abuse, or a lawful load, goes: a service on loopback, and the tenant in whose name it comes."""

from collections.abc import Callable, Sequence
from multiprocessing.synchronize import Event
from typing import NamedTuple


class Target(NamedTuple):
    """A service, and keys of one tenant with all scopes."""

    host: str
    port: int
    keys: Sequence[str]

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"


Load = Callable[[Target, Event], object]
"""Loads a service until the event is set, in a process of its own. What it is answered is its own affair."""

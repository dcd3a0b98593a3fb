"""Which requests are for the console, and which of those it hands on to the API."""

import re

from litestar.types import Scope

PATH = "/console"
HANDED_ON = re.compile(rb"/console/(api|csv|ndjson|html)(/v1/.*)", re.DOTALL)
"""The raw path of what is handed on: what is accepted, and the path below `/api`."""


def is_below(scope: Scope) -> bool:
    """Return whether a request is one for the console."""
    raw_path: bytes = scope["raw_path"]
    return raw_path == PATH.encode() or raw_path.startswith(PATH.encode() + b"/")


def is_handed_on(scope: Scope) -> bool:
    """Return whether a request for the console is one for the API."""
    return HANDED_ON.fullmatch(scope["raw_path"]) is not None

"""What of a failure is told to those who run the service, who may see nothing of what is in a log."""

import re
from typing import get_args

from msgspec import DecodeError, ValidationError

from app.evidence.command import CommandError
from app.evidence.guard import RefusedError
from app.evidence.keys import KeyFileError
from app.evidence.log_keys import NoKeyError
from app.evidence.sealing import UnsoundError
from domain.events import UnknownTopicError
from domain.evidence.anchoring import Finding
from domain.evidence.merkle import MissingHashesError

_OF_NO_LOG = (
    *(UnsoundError, MissingHashesError, RefusedError, NoKeyError, KeyFileError, CommandError),
    *(OSError, FileNotFoundError, NotADirectoryError, PermissionError),
    UnknownTopicError,
)
"""Errors whose sentences are of keys, files, sizes, hashes and the names of types alone."""

_WHOLE = {*(error.__name__ for error in _OF_NO_LOG), *get_args(Finding)}
_WITH_PATH = {error.__name__ for error in (ValidationError, DecodeError)}

_TYPE = re.compile(r"(\w+): ", re.ASCII)
_PATH_AT_END = re.compile(r" - at `(\$(?:\.\w+|\[(?:\d+|\.\.\.)\])+)`\Z", re.ASCII)
_UNTOLD = "what it is may quote the log: the tenant's own status says it"


def without_values(reason: str) -> str:
    """Tell a failure without what may be a value of a log: its type and, where it has one, the JSON path.

    `reason` is that type, a colon and the text. Whole remains what is known to be said without such values:
    PostgreSQL quotes rows, and msgspec what it could not read, in any line.
    """
    found = _TYPE.match(reason)
    kind = found[1] if found else ""
    if kind in _WHOLE:
        return reason
    if not kind[:1].isupper():  # what a version before this kept, without the type
        return _UNTOLD
    path = _PATH_AT_END.search(reason) if kind in _WITH_PATH else None
    return f"{kind} at {path[1]}" if path else kind

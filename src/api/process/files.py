"""How many connections a process may have: each is a file, and the system gives it only so many."""

import resource
from contextlib import suppress
from pathlib import Path

_OPEN = Path("/dev/fd")
# For what is opened beside: more connections to the database, and those whose clients are told to come again.
_KEPT = 32
_FEWEST = 4


def ask_for_files() -> None:
    """Raise this process's limit of open files to as many as it may have, where it may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems name no limit, and then refuse to have none.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def count_files() -> int:
    """Count the files that this process has open. Raises OSError where none is left to look with."""
    return len(list(_OPEN.iterdir()))


def most_connections(beside: int) -> int:
    """Return how many clients may be connected to a process that has `beside` files open without them."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return 1 << 30
    return max(_FEWEST, soft - beside - _KEPT)

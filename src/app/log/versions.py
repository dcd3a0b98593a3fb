"""Where a stream stands in its log: positions grow with versions."""

from app.log.statements import SQL
from postgres.connections import Connection
from postgres.rows import fetch_one


def last_version(connection: Connection, tenant_id: int, stream: str) -> int:
    """Return the last version of a stream, 0 if it has none."""
    parameters = {"tenant_id": tenant_id, "stream": stream}
    return fetch_one(connection, SQL.last_version, parameters, int) or 0


def version_at(
    connection: Connection, tenant_id: int, stream: str, position: int, last_version: int
) -> int:
    """Return the greatest version of a stream that stands at `position` or before, 0 if none does.

    A binary search over versions up to `last_version`, one lookup of a key for each step.
    """
    low, high = 0, last_version
    while low < high:
        middle = (low + high + 1) // 2
        if position_of(connection, tenant_id, stream, middle) <= position:
            low = middle
        else:
            high = middle - 1
    return low


def position_of(connection: Connection, tenant_id: int, stream: str, version: int) -> int:
    """Return the position of an event of a stream. Raises LookupError for a version that is not there."""
    parameters = {"tenant_id": tenant_id, "stream": stream, "version": version}
    position = fetch_one(connection, SQL.position_of_version, parameters, int)
    if position is None:
        raise LookupError(f"version {version} of {stream!r} is missing")
    return position

"""What all queries of a process share."""

from typing import Any, NamedTuple

from api.http.shared import Shared
from api.querying.listeners import Listeners
from api.querying.moments import Moments
from api.querying.open_streams import OpenStreams
from api.querying.positions import Positions
from api.querying.reads import Reads
from api.querying.replica import Replica
from postgres.connections import Pool


class Reading(NamedTuple):
    """From where, by what, and within which limits a process reads.

    `by_key` is for the past, which is looked up by keys: its statements are planned for that. `pieces` reads
    once for all who follow a log at the same place.
    """

    pool: Pool
    by_key: Pool
    reads: Reads
    streams: OpenStreams
    moments: Moments
    positions: Positions
    listeners: Listeners
    pieces: Shared[Any, Any]
    at_least_timeout_s: float
    is_standby: bool = False
    """Whether it may have less than was acknowledged."""
    replica: Replica | None = None
    """What tells whether it can be used, where there is another one."""

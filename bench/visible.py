"""When positions of a log became visible in its read models, seen from outside."""

import time
from bisect import bisect_left
from collections.abc import Sequence
from typing import NamedTuple

import click

from bench.background import Background
from bench.server import Database
from postgres.connections import connect

_LOOK_EVERY_S = 0.005
_STUCK_S = 120.0

_LIVE = "select position from tracking where tenant_id = %s and live"
_BEHIND = """
select count(*) from tracking as t
 where live and position < coalesce((select max(position) from events where tenant_id = t.tenant_id), 0)"""
_MADE = "select position from tracking where tenant_id = %s and not live and not retired"


class Sent(NamedTuple):
    """A batch that the service has acknowledged: its position, and when."""

    position: int
    at_s: float


class Visible(Background):
    """Looks 200 times a second how far a tenant's read models are: the live ones, or those in the making."""

    def __init__(self, database: Database, tenant_id: int, *, live: bool = True) -> None:
        super().__init__()
        self._database = database
        self._tenant_id = tenant_id
        self._statement = _LIVE if live else _MADE
        self._positions: list[int] = [0]
        self._seen_s: list[float] = [time.perf_counter()]

    @property
    def position(self) -> int:
        return self._positions[-1]

    def wait_for(self, position: int) -> None:
        """Wait until a position is visible. Raises click.ClickException if nothing moves for long."""
        seen, moved_s = self.position, time.perf_counter()
        while self.position < position:
            if self.position != seen:
                seen, moved_s = self.position, time.perf_counter()
            elif time.perf_counter() > moved_s + _STUCK_S:
                raise click.ClickException(f"the read models stand still at {seen:,}")
            time.sleep(_LOOK_EVERY_S)

    def events_per_s(self, until: int) -> float:
        """Give the rate from the first step that was seen up to a position: without a process's start."""
        last = bisect_left(self._positions, until)
        if last < 2:
            raise click.ClickException("too few events to tell a rate from")
        events = self._positions[last] - self._positions[1]
        return events / (self._seen_s[last] - self._seen_s[1])

    def behind(self, sent: Sequence[Sent]) -> list[float]:
        """Give the seconds from each acknowledgement until all of the batch was visible."""
        found = [self._seen_s[bisect_left(self._positions, each.position)] for each in sent]
        return [max(0.0, seen_s - each.at_s) for seen_s, each in zip(found, sent, strict=True)]

    def _watch(self) -> None:
        with connect(self._database.service_url) as connection:
            while not self._done.wait(_LOOK_EVERY_S):
                row = connection.execute(self._statement, [self._tenant_id]).fetchone()
                if row and row[0] > self._positions[-1]:
                    # The time first: who reads a position must find it.
                    self._seen_s.append(time.perf_counter())
                    self._positions.append(row[0])


def wait_until_visible(database: Database) -> None:
    """Wait until all of all logs is visible. Raises click.ClickException if that takes too long."""
    give_up_s = time.perf_counter() + _STUCK_S
    with connect(database.service_url) as connection:
        while (connection.execute(_BEHIND).fetchone() or (0,))[0]:
            if time.perf_counter() > give_up_s:
                raise click.ClickException("the read models don't catch up")
            time.sleep(_LOOK_EVERY_S)


def share(of_s: Sequence[float], part: float) -> float:
    """Give how long it took at most, in ms, for this share of them."""
    in_order = sorted(of_s)
    return in_order[min(len(in_order) - 1, int(part * len(in_order)))] * 1000

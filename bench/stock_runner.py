"""The stock library's ProjectionRunner with one table, on the same events: one transaction for each event."""

import time
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import uuid4

import click
from eventsourcing.persistence import Tracking
from eventsourcing.postgres import PostgresDatastore, PostgresTrackingRecorder
from eventsourcing.projection import Projection, ProjectionRunner
from psycopg import sql

from bench.library import LibraryItem, Players, library_environment, open_players
from bench.server import Database

_STARTED_S = 30.0
_PAUSE_S = 0.01


class Totals(PostgresTrackingRecorder):
    """One table: what was moved by player and currency."""

    def __init__(self, datastore: PostgresDatastore, **options: Any) -> None:
        super().__init__(datastore, **options)
        schema = sql.Identifier(datastore.schema)
        self.sql_create_statements.append(
            sql.SQL(
                "create table if not exists {}.totals"
                " (player_id text, currency text, total numeric, primary key (player_id, currency))"
            ).format(schema)
        )
        self._add = sql.SQL(
            "insert into {0}.totals as t values (%s, %s, %s)"
            " on conflict (player_id, currency) do update set total = t.total + excluded.total"
        ).format(schema)

    def add(self, tracking: Tracking, moved: tuple[str, str, Decimal]) -> None:
        """Add to a total, and keep how far the projection is, in one transaction."""
        with self.datastore.transaction(commit=True) as cursor:
            self._insert_tracking(cursor, tracking)
            cursor.execute(self._add, moved, prepare=True)


class TotalsProjection(Projection[Totals]):
    """The tutorial's kind of projection."""

    name = "totals"

    def process_event(self, domain_event: Any, tracking: Tracking) -> None:
        data = getattr(domain_event, "data", {})
        if "amount" in data:
            moved = data["player_id"], data["currency"], Decimal(str(data["amount"]))
            self.view.add(tracking, moved)
        else:
            self.view.insert_tracking(tracking)


def stock_events_per_s(database: Database, items: Sequence[LibraryItem], seconds: float) -> float:
    """Record items with the stock library, and project them for some seconds."""
    with open_players(database) as players:
        players.fill_items(uuid4(), items)
    runner = ProjectionRunner(
        application_class=Players,
        projection_class=TotalsProjection,
        view_class=Totals,
        env=library_environment(database),
    )
    with runner:
        begun = _projected(runner)
        started = time.perf_counter()
        time.sleep(seconds)
        done = _projected(runner)
        return (done - begun) / (time.perf_counter() - started)


def _projected(runner: Any) -> int:
    """Tell how much is projected, once there is something. Raises click.ClickException."""
    deadline = time.perf_counter() + _STARTED_S
    while time.perf_counter() < deadline:
        position = runner.projection.view.max_tracking_id(runner.app_name)
        if position:
            return int(position)
        time.sleep(_PAUSE_S)
    raise click.ClickException("the stock runner projects nothing")

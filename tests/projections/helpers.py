"""Projecting, and reading the read models in the contract's shapes."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import msgspec
import psycopg

from app.log.recorder import TenantLog
from app.tenants import Tenant
from postgres.connections import Pool
from projections.engine.projector import Projector
from projections.entries import Scope
from projections.models import rounds
from projections.models.activity import ActivityFilters, Group, find_activity
from projections.models.balances import BalanceFilters, find_balances
from projections.models.games import GameFilters, count_facets, find_games
from projections.models.played import read_played
from projections.models.players import PlayerFilters, find_players
from projections.models.rollbacks import RollbackFilters, find_rollbacks
from projections.models.transactions import TransactionFilters, find_transactions
from projections.reading import Snapshot, select_pairs, snapshot
from tests.model import Model, assert_same, read_json

ALL = 1_000_000
KINDS = (
    *("balances", "rounds", "activity", "transactions", "rollbacks", "games", "players", "facets"),
)

_COARSER: tuple[tuple[Group, ...], ...] = (
    ("currency",),
    ("day", "currency"),
    ("game", "currency"),
)


def projector(pool: Pool, *, chunk_events: int = 1_000) -> Projector:
    return Projector(
        pool,
        lambda tenant_id: TenantLog(pool, tenant_id),
        chunk_events=chunk_events,
        poll_interval_s=0.01,
    )


def scope_of(tenant: Tenant) -> Scope:
    """The first generation, which is the live one."""
    return Scope(tenant.tenant_id, 1)


def project(pool: Pool, tenant: Tenant, *, chunk_events: int = 1_000) -> int:
    """Project all of one tenant's log; gives the number of events."""
    by_chunks = projector(pool, chunk_events=chunk_events)
    total = 0
    while done := by_chunks.project_chunk(scope_of(tenant)):
        total += done
    return total


def position(pool: Pool, tenant: Tenant) -> int:
    """Tell up to where a tenant's read models go."""
    with snapshot(pool, tenant.tenant_id) as seen:
        return seen.position


def read_models(pool: Pool, tenant: Tenant) -> dict[str, Any]:
    """Read everything there is of a tenant, as JSON that was read back."""
    with snapshot(pool, tenant.tenant_id) as seen:
        return {kind: read_json(msgspec.json.encode(read(seen))) for kind, read in _READERS.items()}


def assert_as_the_model(pool: Pool, tenant: Tenant, model: Model) -> None:
    """Fail unless every read model of a tenant equals the model's."""
    found = read_models(pool, tenant)
    for kind in KINDS:
        assert_same(kind, found[kind], getattr(model, kind)())
    with snapshot(pool, tenant.tenant_id) as seen:
        for groups in _COARSER:
            sums = find_activity(seen, ActivityFilters(group_by=groups), None, ALL).items
            assert_same(
                "activity", read_json(msgspec.json.encode(sums)), model.activity(group_by=groups)
            )


def without_positions(answer: Any) -> Any:
    """Leave out what depends on the order of arrival."""
    match answer:
        case dict():
            return {
                name: without_positions(value)
                for name, value in answer.items()
                if name != "position"
            }
        case list():
            return [without_positions(element) for element in answer]
        case _:
            return answer


def _rounds(seen: Snapshot) -> list[rounds.RoundView]:
    """All rounds with their bets and wins, which a query only shows for one round_id."""
    found = select_pairs(
        seen,
        rounds.SQL.find_rounds,
        "selected",
        rounds.FoundRound,
        rounds.RoundFilters(),
        after_at=None,
        after_key=None,
        limit=ALL,
        page_bytes=ALL * ALL,
    )
    # A query reads them where it names a round alone.
    positions = {
        (player_id, game_id, round_id): of
        for player_id, game_id, round_id, of in seen.connection.execute(
            "select player_id, game_id, round_id, positions from rounds"
            " where tenant_id = %s and generation = %s",
            [seen.scope.tenant_id, seen.scope.generation],
        )
    }
    played = read_played(
        seen, [positions[row.player_id, row.game_id, row.round_id] for _, row in found]
    )
    return [
        msgspec.structs.replace(row.view(), bets=moves.bets, wins=moves.wins)
        for (_, row), moves in zip(found, played, strict=True)
    ]


_READERS: dict[str, Callable[[Snapshot], Any]] = {
    "balances": lambda seen: find_balances(seen, BalanceFilters(), None, ALL).items,
    "rounds": _rounds,
    "activity": lambda seen: find_activity(seen, ActivityFilters(), None, ALL).items,
    "transactions": lambda seen: find_transactions(seen, TransactionFilters(), None, ALL).items,
    "rollbacks": lambda seen: find_rollbacks(seen, RollbackFilters(), None, ALL).items,
    "games": lambda seen: find_games(seen, GameFilters(), None, ALL).items,
    "players": lambda seen: find_players(seen, PlayerFilters(), None, ALL).items,
    "facets": lambda seen: count_facets(seen, GameFilters()),
}


class CopyRefused(psycopg.errors.InternalError_):
    """What Citus makes of whatever a node refused within a COPY."""

    @property
    def diag(self) -> Any:
        return SimpleNamespace(source_function="ReportCopyError")

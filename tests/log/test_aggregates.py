"""Players and games loaded from their streams through the library's repository, at any version."""

import pytest
from eventsourcing.application import AggregateNotFoundError
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent

from app.log.aggregates import repository
from app.log.recorder import TenantLog
from app.simulation import Scenario, batches, simulate
from app.tenants import Tenant
from domain.aggregates import Game, Player, fold_game, fold_player
from domain.money import plain
from postgres.connections import Pool
from tests.model import Model, assert_same
from tests.projections.simulated import record_bodies

SCENARIO = Scenario(players=4, games=3, rolled_back=0.1, ended=0.1)


def balance_rows(player_id: str, player: Player) -> list[dict[str, object]]:
    """A player's balances in the contract's shape."""
    amounts = ("deposited", "withdrawn", "bet_real", "bet_bonus", "win_real", "win_bonus")
    return [
        {
            "player_id": player_id,
            "currency": currency,
            **{
                name: plain(getattr(balance, name))
                for name in (*amounts, "real", "bonus", "deposited_eur")
            },
            "counts": {
                name: getattr(balance, name) for name in ("deposits", "withdrawals", "bets", "wins")
            },
            "rolled_back": {
                **{name: plain(getattr(balance.rolled_back, name)) for name in amounts[2:]},
                "bets": balance.rolled_back.bets,
                "wins": balance.rolled_back.wins,
            },
        }
        for currency, balance in sorted(player.balances.items())
    ]


def test_a_player_at_any_version_has_the_balances_of_that_position(
    pool: Pool, tenant: Tenant
) -> None:
    model = Model()
    record_bodies(pool, tenant, model, batches(simulate(SCENARIO, 300), 300))
    players = repository(pool, tenant.tenant_id)
    for entry in model.log.entries:
        if entry.stream.startswith("game:"):
            game = players.get(entry.stream, version=entry.version, projector_func=fold_game)
            assert isinstance(game, Game)
            assert game.version == entry.version
            continue
        player = players.get(entry.stream, version=entry.version, projector_func=fold_player)
        assert isinstance(player, Player)
        assert (player.id, player.version) == (entry.stream, entry.version)
        player_id = entry.stream.removeprefix("player:")
        expected = [
            row
            for row in model.balances(at_position=entry.position)
            if row["player_id"] == player_id
        ]
        assert_same("balances", balance_rows(player_id, player), expected)


def test_a_stream_that_is_not_there_is_not_found(pool: Pool, tenant: Tenant) -> None:
    with pytest.raises(AggregateNotFoundError):
        repository(pool, tenant.tenant_id).get("player:nobody", projector_func=fold_player)


def test_an_event_that_can_not_be_read_is_named(pool: Pool, tenant: Tenant) -> None:
    log = TenantLog(pool, tenant.tenant_id)
    log.insert_events([StoredEvent("player:p", 1, "BetPlaced", b"rubbish")])
    with pytest.raises(MapperDeserialisationError, match="version 1 of 'player:p'"):
        repository(pool, tenant.tenant_id).get("player:p", projector_func=fold_player)

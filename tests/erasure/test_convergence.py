"""Read models come to the same, whenever a player is erased, and however they are projected."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from app.log.aggregates import player_at
from app.log.append import head
from app.tenants import Tenant
from postgres.connections import Pool
from projections.models.balances import BalanceFilters, find_balances_as_of
from projections.models.players import PlayerFilters, find_players, player_view
from projections.reading import snapshot
from tests.erasure.conftest import Erase
from tests.projections import rebuilding
from tests.projections.helpers import (
    ALL,
    KINDS,
    project,
    read_models,
    without_positions,
)
from tests.projections.rebuilding import project_live, rebuild
from tests.recording.sending import send
from tests.strategies import WireItem, items

few = st.sampled_from
NOON = "2025-01-15T12:00:00Z"
PLAYERS = ["p", "p/2", "😀"]
EVERYTHING = datetime(9999, 12, 31, tzinfo=UTC)
sent_items = st.lists(
    items(
        few(["player", "player", "login", "deposit", "gameround"]),
        player_ids=few(PLAYERS),
        game_ids=few(["g"]),
        round_ids=few(["r", "r2"]),
        currencies=few(["EUR", "JPY"]),
        timestamps=few(["2025-01-15T12:00:00Z", "2025-01-15T12:00:00.0000019+00:00"])
        | few(["2025-01-15T23:30:00-01:00", "2025-01-16T00:30:00"]),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda item: item.data["unique_id"],
)


def play(
    pool: Pool,
    tenant: Tenant,
    erased: Erase,
    sent: list[WireItem],
    data: DataObject,
    before: datetime | None,
) -> set[str]:
    """Send, project and erase, in any order; gives who was erased at any time."""
    gone = set()
    left = list(sent)
    while left:
        size = data.draw(st.integers(1, len(left)))
        send(pool, tenant, left[:size])
        left = left[size:]
        for player_id in data.draw(st.lists(few(PLAYERS), max_size=2)):
            if data.draw(st.booleans()):
                project(pool, tenant, chunk_events=data.draw(st.integers(1, 5)))
            if erased(tenant, player_id, before).record_position is not None:
                gone.add(player_id)
    project(pool, tenant, chunk_events=data.draw(st.integers(1, 20)))
    return gone


def assert_rebuilt_the_same(pool: Pool, tenant: Tenant) -> None:
    """Fail unless what is live, what a rebuild makes and what the streams tell are the same."""
    found = rebuild(pool, tenant.tenant_id, check=True)
    assert [str(each) for one in found.comparisons for each in one.differences] == []
    with pool.connection() as connection:
        last = head(connection, tenant.tenant_id)
    with snapshot(pool, tenant.tenant_id) as seen:
        assert seen.position == last
        live = find_players(seen, PlayerFilters(), None, ALL).items
    for view in live:
        player = player_at(pool, tenant.tenant_id, view.player_id, last)
        assert player is not None
        assert player_view(view.player_id, player.profile, player.sighting) == view


@settings(max_examples=50)
@given(sent_items, st.data())
def test_what_is_left_of_a_player_is_the_same_everywhere(
    pool: Pool,
    new_tenant: Callable[..., Tenant],
    erased: Erase,
    sent: list[WireItem],
    data: DataObject,
) -> None:
    whole, tenant = new_tenant(), new_tenant()
    send(pool, whole, sent)
    project(pool, whole)
    gone = play(pool, tenant, erased, sent, data, before=None)
    assert_rebuilt_the_same(pool, tenant)

    one, other = read_models(pool, tenant), read_models(pool, whole)
    for kind in KINDS:
        if kind != "players":
            assert without_positions(one[kind]) == without_positions(other[kind])
    seen = ("player_id", "first_seen", "last_seen", "last_login", "logins")
    for player, as_before in zip(one["players"], other["players"], strict=True):
        members = seen if player["player_id"] in gone else tuple(as_before)
        assert {name: player[name] for name in members} == {
            name: as_before[name] for name in members
        }


@settings(max_examples=30)
@given(sent_items, st.data())
def test_where_money_goes_too_read_models_are_made_anew_and_then_the_same(
    pool: Pool,
    new_tenant: Callable[..., Tenant],
    erased: Erase,
    sent: list[WireItem],
    data: DataObject,
) -> None:
    tenant = new_tenant()
    gone = play(pool, tenant, erased, sent, data, before=EVERYTHING)
    everything_is_read(pool, tenant)
    rebuild(pool, tenant.tenant_id)
    project_live(pool, tenant)
    assert_rebuilt_the_same(pool, tenant)
    everything_is_read(pool, tenant)
    if not gone:
        return
    # What was sent before the last erasure of a player is in no figure any more.
    for player_id in gone:
        erased(tenant, player_id, EVERYTHING)
    rebuild(pool, tenant.tenant_id)
    project_live(pool, tenant)
    rebuild(pool, tenant.tenant_id)
    found = read_models(pool, tenant)
    for kind in ("balances", "rounds", "transactions"):
        assert not gone & {row["player_id"] for row in found[kind]}
    stayed = [item for item in sent if item.data["player_id"] not in gone]
    played = [item for item in stayed if item.event == "gameround"]
    assert sum(int(f"{row[n]!r}") for row in found["activity"] for n in ("bets", "wins")) == len(
        played
    )
    assert gone <= {row["player_id"] for row in found["players"]}


@pytest.mark.parametrize(
    ("event", "before"), [("login", None), ("gameround", datetime(2025, 2, 1, tzinfo=UTC))]
)
def test_a_rollback_that_came_before_what_is_erased_now_is_rebuilt_the_same(
    event: str,
    before: datetime | None,
    pool: Pool,
    new_tenant: Callable[..., Tenant],
    erased: Erase,
) -> None:
    tenant = new_tenant()
    bet = {"player_id": "p", "game_id": "g", "round_id": "r", "amount": 1, "currency": "EUR"}
    bet |= {"unique_id": "x", "timestamp": NOON, "is_win": False, "is_bonus": False}
    later = {"unique_id": "back", "reference": "x", "timestamp": "2025-03-01T00:00:00Z"}
    for item in (("rollback", bet | later), (event, bet)):
        send(pool, tenant, [WireItem(item[0], json.dumps(item[1]))])
    project(pool, tenant, chunk_events=1)
    erased(tenant, "p", before)
    # Read as one, and one by one.
    with patch.object(rebuilding, "CHUNK_EVENTS", 10):
        rebuild(pool, tenant.tenant_id)
    project_live(pool, tenant)
    [row] = read_models(pool, tenant)["rollbacks"]
    assert row["status"] == "mismatched"
    with patch.object(rebuilding, "CHUNK_EVENTS", 1):
        assert_rebuilt_the_same(pool, tenant)


def everything_is_read(pool: Pool, tenant: Tenant) -> None:
    """Ask for whatever looks events up in the log."""
    found: dict[str, Any] = read_models(pool, tenant)
    for row in found["players"]:
        filters = BalanceFilters(
            player_id=row["player_id"], as_of=datetime(2025, 1, 15, 12, tzinfo=UTC)
        )
        with snapshot(pool, tenant.tenant_id) as seen:
            msgspec.json.encode(find_balances_as_of(seen, filters, None, ALL).items)

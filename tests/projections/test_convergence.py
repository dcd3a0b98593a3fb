"""The same items in any order, in any batches, sent any number of times, projected in any chunks."""

from collections.abc import Callable
from datetime import datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from app.tenants import Tenant
from postgres.connections import Pool
from projections.models.balances import BalanceFilters, find_balances_as_of
from projections.models.players import PlayerFilters, find_players
from projections.reading import snapshot
from tests.model import Model, assert_same
from tests.projections.helpers import (
    ALL,
    KINDS,
    assert_as_the_model,
    position,
    project,
    read_models,
    without_positions,
)
from tests.recording.sending import send
from tests.strategies import WireItem, body, ids, items, timestamp_texts

few = st.sampled_from
meeting_items = items(
    player_ids=few(["p", "p/2", "😀"]),
    game_ids=few(["p", "btg/bonanza"]),
    round_ids=few(["r", "r\n2"]),
    currencies=few(["EUR", "USDT", "JPY"]),
    unique_ids=few([f"u{number}" for number in range(6)]) | ids(),
    references=few([f"u{number}" for number in range(6)]) | ids(),
    timestamps=few(["2025-01-15T12:00:00Z", "2025-01-15T12:00:00.0000019+00:00"])
    | few(["2025-01-15T23:30:00-01:00", "2025-01-16T00:30:00"])
    | timestamp_texts(),
)
many_items = st.lists(
    meeting_items, min_size=1, max_size=12, unique_by=lambda item: item.data["unique_id"]
)

# Of one player and one game, at two moments, so that which of them stands is often a close call.
close_updates = st.lists(
    items(
        few(["player", "game"]),
        unique_ids=few(["a", "b", "B", "aa", "\uff5e", "😀"]),
        player_ids=st.just("x"),
        game_ids=st.just("x"),
        timestamps=few(
            ["2025-01-15T12:00:00Z", "2025-01-15T13:00:00+01:00", "2025-01-15T12:00:01"]
        ),
        repeated_members=False,
    ),
    min_size=2,
    max_size=6,
    unique_by=lambda item: item.data["unique_id"],
)


@settings(max_examples=40)
@given(many_items, st.data())
def test_the_read_models_depend_on_what_was_sent_and_on_nothing_else(
    pool: Pool, new_tenant: Callable[..., Tenant], sent: list[WireItem], data: DataObject
) -> None:
    assert_convergence(pool, new_tenant, sent, data)


@settings(max_examples=40)
@given(close_updates, st.data())
def test_profiles_depend_on_the_updates_and_not_on_which_came_last(
    pool: Pool, new_tenant: Callable[..., Tenant], sent: list[WireItem], data: DataObject
) -> None:
    assert_convergence(pool, new_tenant, sent, data)


def assert_convergence(
    pool: Pool, new_tenant: Callable[..., Tenant], sent: list[WireItem], data: DataObject
) -> None:
    """Send items to one tenant as they are, to another in any way, and compare."""
    straight, astray = new_tenant("BTC", "USDT"), new_tenant("BTC", "USDT")
    send(pool, straight, sent)
    project(pool, straight)

    model = Model()
    left = data.draw(st.permutations(sent))
    while left:
        size = data.draw(st.integers(1, len(left)))
        again = data.draw(st.lists(st.sampled_from(sent), max_size=3))
        batch = left[:size] + again
        send(pool, astray, batch)
        model.ingest_body(body(batch))
        left = left[size:]
        if data.draw(st.booleans()):
            project(pool, astray, chunk_events=data.draw(st.integers(1, 5)))
            assert_as_the_model(pool, astray, model)
    project(pool, astray, chunk_events=data.draw(st.integers(1, 20)))

    assert position(pool, astray) == position(pool, straight) == len(sent)
    assert_as_the_model(pool, astray, model)
    assert_as_of(pool, astray, model, data.draw(few([entry.at for entry in model.log.entries])))
    one, other = read_models(pool, astray), read_models(pool, straight)
    for kind in KINDS:
        assert_same(kind, without_positions(one[kind]), without_positions(other[kind]))


def assert_as_of(pool: Pool, tenant: Tenant, model: Model, moment: datetime) -> None:
    """Compare the balances of all players at the time of an event."""
    rows = model.balances(as_of=moment)
    for player_id in {row["player_id"] for row in model.players()}:
        with snapshot(pool, tenant.tenant_id) as seen:
            filters = BalanceFilters(player_id=player_id, as_of=moment)
            found = find_balances_as_of(seen, filters, None, ALL).items
        assert_same(
            "balances",
            msgspec.json.encode(found),
            [row for row in rows if row["player_id"] == player_id],
        )


@pytest.mark.parametrize("chunk_events", [1, 7, 1_000])
def test_what_is_refused_as_a_conflict_never_shows(
    chunk_events: int, pool: Pool, tenant: Tenant
) -> None:
    def deposit(amount: str) -> WireItem:
        return WireItem(
            "deposit",
            '{"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","player_id":"p","amount":'
            f'{amount},"currency":"EUR","method":"card"}}',
        )

    model = Model()
    for batch in ([deposit("1"), deposit("2")], [deposit("3")], [deposit("1.0")]):
        send(pool, tenant, batch)
        model.ingest_body(body(batch))
        project(pool, tenant, chunk_events=chunk_events)
        assert_as_the_model(pool, tenant, model)
    assert [row["amount"] for row in model.transactions()] == [1]


def test_sums_go_on_exactly_beyond_28_digits_from_chunk_to_chunk(
    pool: Pool, tenant: Tenant
) -> None:
    model = Model()
    amounts = ["99999999999999999999", "0.000000000000000001", "1e19"] * 40
    batch = [
        WireItem(
            "gameround",
            f'{{"unique_id":"u{number}","timestamp":"2025-01-15T12:00:00Z","player_id":"p","game_id":"g",'
            f'"round_id":"r","amount":{amount},"currency":"EUR","is_win":{win},"is_bonus":{bonus}}}',
        )
        for number, amount in enumerate(amounts)
        for win, bonus in [(("true", "false")[number % 2], ("true", "false")[number // 2 % 2])]
    ]
    send(pool, tenant, batch)
    model.ingest_body(body(batch))
    project(pool, tenant, chunk_events=7)
    assert_as_the_model(pool, tenant, model)


def test_a_round_of_very_many_bets_is_one_round(pool: Pool, tenant: Tenant) -> None:
    model = Model()
    for start in range(0, 6_000, 2_000):
        batch = [
            WireItem(
                "gameround",
                f'{{"unique_id":"u{number}","timestamp":"2025-01-15T12:00:00Z","player_id":"p",'
                f'"game_id":"g","round_id":"r","amount":0.1,"currency":"EUR",'
                f'"is_win":{"true" if number % 3 == 0 else "false"},"is_bonus":false}}',
            )
            for number in range(start, start + 2_000)
        ]
        send(pool, tenant, batch)
        model.ingest_body(body(batch))
    project(pool, tenant, chunk_events=500)
    assert_as_the_model(pool, tenant, model)


WIDE = "".join(chr(0x10000 + 7 * number) for number in range(255))


def test_the_widest_ids_there_can_be_are_projected(pool: Pool, tenant: Tenant) -> None:
    model = Model()
    of_all = f'"timestamp":"2025-01-15T12:00:00Z","player_id":"{WIDE}","amount":1,"currency":"USDT"'
    batch = [
        WireItem(
            "gameround",
            f'{{"unique_id":"{WIDE}",{of_all},"game_id":"{WIDE}","round_id":"{WIDE}",'
            '"is_win":true,"is_bonus":false}',
        ),
        WireItem("deposit", f'{{"unique_id":"{WIDE[1:]}",{of_all},"method":"{WIDE}"}}'),
    ]
    send(pool, tenant, batch)
    model.ingest_body(body(batch))
    project(pool, tenant)
    assert_as_the_model(pool, tenant, model)


LONG = "".join(chr(0x4E00 + number * 2_654_435_761 % 20_000) for number in range(20_000))


@pytest.mark.parametrize(
    "member", ["username", "country", "currency", "affiliate", "operator", "tags"]
)
def test_values_of_a_player_may_be_of_any_length(member: str, pool: Pool, tenant: Tenant) -> None:
    value = f'["{LONG}", "short"]' if member == "tags" else f'"{LONG}"'
    assert_projected(pool, tenant, "player", "player_id", member, value)


def test_players_are_found_by_tags_of_any_length_and_by_the_whole_of_them(
    pool: Pool, tenant: Tenant
) -> None:
    tags = {"long": LONG, "longer": LONG + "x", "short": LONG[:255], "none": ""}
    batch = [
        WireItem(
            "player",
            f'{{"unique_id":"{name}","timestamp":"2025-01-15T12:00:00Z","player_id":"{name}",'
            f'"tags":["{tag}","all"]}}',
        )
        for name, tag in tags.items()
    ]
    send(pool, tenant, batch)
    project(pool, tenant)
    with snapshot(pool, tenant.tenant_id) as seen:
        for name, tag in tags.items():
            found = find_players(seen, PlayerFilters(tag=tag), None, 10).items
            assert [view.player_id for view in found] == [name]
        assert len(find_players(seen, PlayerFilters(tag="all"), None, 10).items) == 4
        assert find_players(seen, PlayerFilters(tag=LONG[:-1]), None, 10).items == []


@pytest.mark.parametrize(
    "member", ["name", "provider", "device", "categories", "features", "themes"]
)
def test_values_of_a_game_may_be_of_any_length(member: str, pool: Pool, tenant: Tenant) -> None:
    value = f'["{LONG}"]' if member in {"categories", "features", "themes"} else f'"{LONG}"'
    assert_projected(pool, tenant, "game", "game_id", member, value)


def assert_projected(
    pool: Pool, tenant: Tenant, event: str, id_name: str, member: str, value: str
) -> None:
    data = (
        f'{{"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","{id_name}":"x","{member}":{value}}}'
    )
    batch = [WireItem(event, data)]
    model = Model()
    send(pool, tenant, batch)
    model.ingest_body(body(batch))
    project(pool, tenant)
    assert_as_the_model(pool, tenant, model)

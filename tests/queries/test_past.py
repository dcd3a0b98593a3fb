"""The past: balances, players and games as the log told them at a position, and balances as of a time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent

from app.log import snapshotting
from app.log.mapper import EventMapper
from app.log.recorder import TenantLog
from app.log.snapshotting import SnapshotTaker
from domain.instant import format_instant
from projections.engine.projector import Projector
from tests.model import assert_same
from tests.queries.asgi import path_of
from tests.queries.casino import Casino, OpenCasino, bet, deposit, item
from tests.queries.past import GAMES, PLAYERS, Past
from tests.queries.test_parameters import faults

EVERY = 7


@pytest.fixture(scope="module")
def past(new_casino: OpenCasino) -> Past:
    """A log that is projected without snapshots."""
    found = Past(new_casino(), seed=1)
    found.casino.project(chunk_events=37)
    return found


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots after every few events."""
    monkeypatch.setattr(snapshotting, "SNAPSHOT_EVERY", EVERY)


def project_with_snapshots(casino: Casino, chunk_events: int = 37) -> None:
    running = Projector(
        casino.pool,
        lambda tenant_id: TenantLog(casino.pool, tenant_id),
        chunk_events=chunk_events,
        poll_interval_s=1,
        when_projected=SnapshotTaker(casino.pool),
    )
    while running.project_chunk(casino.scope):
        pass


def snapshots(casino: Casino) -> list[tuple[str, int]]:
    with casino.pool.connection() as connection:
        return connection.execute(
            "select stream, version from snapshots where tenant_id = %s order by 1, 2",
            [casino.tenant.tenant_id],
        ).fetchall()


def assert_as_the_prefixes(past: Past, step: int = 1) -> None:
    """Compare each position with the log up to it."""
    casino = past.casino
    for position in [*range(0, past.head, step), past.head]:
        players, games = past.players(position), past.games(position)
        for player_id in PLAYERS:
            answer = casino.get("balances", player_id=player_id, at_position=position)
            assert answer.position == position
            assert_same("balances", answer.body, past.balances(player_id, at_position=position))
            assert_same_or_absent("players", casino, player_id, players, position)
        for game_id in GAMES:
            assert_same_or_absent("games", casino, game_id, games, position)


def assert_same_or_absent(
    kind: str, casino: Casino, name: str, expected: dict[str, Any], position: int
) -> None:
    path = path_of(kind, name)
    answer = casino.api.get(path, casino.key, query=f"at_position={position}")
    assert answer.position == position
    if name in expected:
        assert answer.status == 200, answer.body
        assert_same(kind, answer.body, [expected[name]])
    else:
        assert answer.status == 404, answer.body


def test_each_position_is_the_log_up_to_it(past: Past) -> None:
    assert snapshots(past.casino) == []
    assert_as_the_prefixes(past)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("chunk_events", [1, 37, 1_000])
def test_with_snapshots_each_position_is_the_same(
    chunk_events: int, casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    past = Past(casino, seed=2)
    project_with_snapshots(casino, chunk_events)
    lengths: dict[str, int] = {}
    for entry in past.model.log.entries:
        lengths[entry.stream] = entry.version
    assert snapshots(casino) == [
        (stream, version)
        for stream in sorted(lengths)
        for version in range(EVERY, lengths[stream] + 1, EVERY)
    ]
    read = 0
    to_domain_event = EventMapper.to_domain_event

    def counted(self: EventMapper, stored: StoredEvent) -> Any:
        nonlocal read
        read += 1
        return to_domain_event(self, stored)

    monkeypatch.setattr(EventMapper, "to_domain_event", counted)
    casino.get("balances", player_id="p", at_position=past.head)
    assert read < EVERY
    assert_as_the_prefixes(past, step=3)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize(
    "damage",
    [
        "delete from snapshots where tenant_id = %s and version > 7",
        "delete from snapshots where tenant_id = %s and version % 2 = 0",
        "update snapshots set state = '' where tenant_id = %s",
        "update snapshots set state = '{}' where tenant_id = %s and version = 14",
        "update snapshots set state = '\\xff' where tenant_id = %s and version > 14",
        "update snapshots set state = substr(state, 1, 100) where tenant_id = %s",
        "update snapshots set topic = 'Player.v0' where tenant_id = %s",
        "update snapshots set topic = 'Game.v1' where tenant_id = %s",
        "update snapshots set topic = 'Player.v1' where tenant_id = %s",
        "update snapshots set version = version + 1 where tenant_id = %s",
        (
            "update snapshots set state = decode(replace(encode(state, 'escape'),"
            " '0001-01-01', '0001-13-01'), 'escape') where tenant_id = %s"
        ),
    ],
)
def test_snapshots_that_are_damaged_or_of_another_version_change_nothing(
    damage: str, casino: Casino
) -> None:
    past = Past(casino, seed=3, events=90)
    project_with_snapshots(casino)
    with casino.pool.connection() as connection:
        done = connection.execute(damage.replace(" % ", " %% ").encode(), [casino.tenant.tenant_id])
    assert done.rowcount > 0
    assert_as_the_prefixes(past, step=5)
    # The log goes on: what is missing is taken anew, in the place of what can't be read.
    past.send([bet(player_id=name) for name in PLAYERS for _ in range(EVERY)])
    project_with_snapshots(casino)
    for name in PLAYERS:
        stream = f"player:{name}"
        length = sum(entry.stream == stream for entry in past.model.log.entries)
        assert (stream, length - length % EVERY) in snapshots(casino)
    assert_as_the_prefixes(past, step=13)


@pytest.mark.usefixtures("often")
def test_many_snapshots_that_are_missing_are_taken_a_few_at_a_time(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshotting, "_MOST_AT_ONCE", 2)
    casino.send([bet() for _ in range(6 * EVERY)])
    casino.project()
    assert snapshots(casino) == []
    for taken in (2, 4, 6, 8, 10, 12, 13):
        casino.send([bet() for _ in range(EVERY)])
        project_with_snapshots(casino)
        assert [version for _, version in snapshots(casino)] == [
            EVERY * number for number in range(1, taken + 1)
        ]


@pytest.mark.usefixtures("often")
def test_a_snapshot_that_can_not_be_taken_holds_up_nobody(
    casino: Casino, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(SnapshotTaker, "_take", fail)
    past = Past(casino, seed=4, events=60)
    project_with_snapshots(casino)
    assert casino.get("status").json["projections"][0]["position"] == past.head
    assert_as_the_prefixes(past, step=20)


def moments() -> Iterator[datetime]:
    """Give times on, before and behind the borders of periods and days, and random ones."""
    random = Random(5)
    start = datetime(2025, 1, 14, 23, 40, tzinfo=UTC)
    for hours in (0.5, 1, 1.5, 12, 23, 24, 24.5, 37, 47, 48, 49):
        border = start + timedelta(hours=hours)
        for micros in (-1, 0, 1):
            yield border + timedelta(microseconds=micros)
    for _ in range(60):
        yield start + timedelta(seconds=random.randrange(50 * 3600))


def test_balances_as_of_any_time_are_those_of_what_had_happened(past: Past) -> None:
    for moment in moments():
        for player_id in PLAYERS:
            answer = past.casino.get("balances", player_id=player_id, as_of=format_instant(moment))
            assert answer.position == past.head
            assert_same("balances", answer.body, past.balances(player_id, as_of=moment))


@pytest.mark.parametrize("chunk_events", [1, 11, 1_000])
def test_balances_as_of_a_time_do_not_depend_on_chunks(chunk_events: int, casino: Casino) -> None:
    past = Past(casino, seed=6)
    casino.project(chunk_events)
    for moment in list(moments())[::3]:
        answer = casino.get("balances", player_id="p", as_of=format_instant(moment))
        assert_same("balances", answer.body, past.balances("p", as_of=moment))


def test_a_time_is_inclusive_and_every_event_of_all_time_is_before_the_last(
    casino: Casino,
) -> None:
    first, last = "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"
    casino.fill([deposit(timestamp=first), deposit(timestamp="2025-01-15T12:09:59.999999Z")])
    asked = {
        first: "1",
        "2025-01-15T12:09:59.999998Z": "1",
        "2025-01-15T13:09:59.999999+01:00": "2",
        "2025-01-15T12:10:00Z": "2",
        last: "2",
    }
    for moment, deposited in asked.items():
        (row,) = casino.items("balances", player_id="p", as_of=moment)
        assert row["deposited"] == deposited


def test_a_late_event_shows_as_of_its_time_and_not_at_its_position(casino: Casino) -> None:
    casino.fill([deposit(timestamp="2025-01-15T12:00:00Z")])
    casino.fill([deposit(timestamp="2025-01-14T12:00:00Z", amount=5)])
    (then,) = casino.items("balances", player_id="p", as_of="2025-01-14T12:00:00Z")
    assert then["deposited"] == "5"
    (told,) = casino.items("balances", player_id="p", at_position=1)
    assert told["deposited"] == "1"


@pytest.mark.parametrize("when", [{"as_of": "2025-01-16T12:00:00Z"}, {"at_position": 120}])
def test_the_past_is_filtered_and_paged_like_the_present(when: dict[str, Any], past: Past) -> None:
    whole = past.casino.items("balances", player_id="p", **when)
    assert [row["currency"] for row in whole] == ["BTC", "EUR"]
    assert past.casino.all("balances", 1, player_id="p", **when) == whole
    assert past.casino.items("balances", player_id="p", currency="EUR", **when) == whole[1:]
    assert past.casino.items("balances", player_id="p", currency="SEK", **when) == []
    assert past.casino.items("balances", player_id="nobody", **when) == []
    cursor = past.casino.get("balances", player_id="p", limit=1, **when).json["next_cursor"]
    answer = past.casino.get("balances", player_id="p", cursor=cursor)
    assert {code for _, code in faults(answer)} == {"foreign_cursor"}


def test_a_position_beyond_the_head_is_a_fault_even_of_what_is_not_known(casino: Casino) -> None:
    head = casino.send([deposit()])
    for path in ("balances", "players/p", "players/nobody", "games/g"):
        player = "&player_id=p" if path == "balances" else ""
        answer = casino.get(path, query=f"at_position={head + 1}{player}")
        assert faults(answer) == {("at_position", "beyond_head")}


def test_the_log_tells_the_past_before_the_read_models_do(casino: Casino) -> None:
    head = casino.send([deposit(), item("player", player_id="p", username="maria")])
    (row,) = casino.items("balances", player_id="p", at_position=head, at_least=head)
    assert row["deposited"] == "1"
    assert casino.get("players/p", at_position=head).json["username"] == "maria"
    assert casino.get("players/p", at_position=1).json["username"] is None
    assert casino.items("balances", player_id="p", as_of="2025-01-15T12:00:00Z") == []


def test_at_least_waits_for_the_log_where_a_position_is_asked_for(casino: Casino) -> None:
    answer = casino.get("balances", player_id="p", at_position=3, at_least=2)
    assert answer.status == 503
    casino.send([deposit() for _ in range(3)])
    assert casino.get("balances", player_id="p", at_position=3, at_least=2).status == 200


def test_a_game_that_only_rounds_have_named_has_no_past_of_its_own(casino: Casino) -> None:
    casino.fill([bet(timestamp="2025-01-01T00:00:00Z"), item("game", game_id="g", name="G")])
    assert casino.get("games/g", at_position=1).status == 404
    game = casino.get("games/g", at_position=2).json
    assert (game["name"], game["first_seen"]) == ("G", "2025-01-15T12:00:00Z")
    assert casino.get("games/g").json["first_seen"] == "2025-01-01T00:00:00Z"


def test_a_tenant_has_no_past_of_another(new_casino: OpenCasino) -> None:
    full, empty = new_casino(), new_casino()
    full.fill([deposit(), item("game", game_id="g")])
    empty.fill([item("login", player_id="x"), item("login", player_id="x")])
    for when in ({"at_position": 2}, {"as_of": "2025-01-15T12:00:00Z"}):
        assert full.items("balances", player_id="p", **when)
        assert empty.items("balances", player_id="p", **when) == []
    assert empty.get("players/p", at_position=2).status == 404
    assert empty.get("games/g", at_position=2).status == 404

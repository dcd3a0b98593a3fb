"""What an erasure takes out of the log, and what it leaves."""

import json
import sys
from datetime import UTC, datetime
from hashlib import sha256
from threading import Thread
from typing import Any

import pytest
from eventsourcing.persistence import StoredEvent

from app.log.aggregates import player_at
from app.log.erasure import Erased, HeldError, erase
from app.log.heads import StreamHeads
from app.log.holds import list_holds, new_hold, set_hold
from app.log.recorder import TenantLog
from app.log.snapshots import Taken
from app.log.stores import SnapshotStore
from app.recording import commit, prepare
from app.recording.judge import Judged, judge
from app.recording.known_events import KnownEvent, RecordedEvents
from app.tenants import Tenant
from postgres.connections import Connection, Pool
from tests.erasure.conftest import WHY, Erase, rows
from tests.evidence.reading import expected_hashes, recorded_hashes
from tests.queries.casino import Casino, Item, OpenCasino, bet, deposit, item
from tests.recording.sending import as_dict, decoded, login, logins, send
from tests.strategies import WireItem

PERSON = "Ada Example"
BEFORE = datetime(2015, 1, 16, tzinfo=UTC)
LONG_AGO = "2015-01-15T12:00:00Z"


def played(player_id: str = "p", **data: Any) -> list[Item]:
    """A player's day: at 1 and 4 of it what is personal."""
    whose = {"player_id": player_id, **data}
    return [
        item("player", username=PERSON, country="SE", tags=["vip"], **whose),
        deposit(**whose),
        bet(**whose),
        item("login", **whose, more=PERSON),
    ]


def test_what_is_personal_goes_and_nothing_else(
    casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send([*played(), *played("q"), *played()])
    before = rows(owner, "events", casino.tenant)
    assert erased(casino.tenant) == Erased(13, events=4)
    after = rows(owner, "events", casino.tenant)
    assert len(after) == 13
    gone = {1, 4, 9, 12}
    names = [
        name
        for (name,) in owner.execute(
            "select column_name from information_schema.columns"
            " where table_schema = 'roundbook' and table_name = 'events' order by ordinal_position"
        )
    ]
    for position, (old, new) in enumerate(zip(before, after, strict=False), 1):
        was, is_ = (dict(zip(names, row, strict=True)) for row in (old, new))
        if position in gone:
            assert (is_["state"], is_["salt"], len(was["salt"])) == (None, b"", 16)
            was |= {"state": None, "salt": b""}
        assert is_ == was
    record = dict(zip(names, after[-1], strict=True))
    assert (record["topic"], record["stream"], record["version"]) == ("PlayerErased", "player:p", 9)
    assert (record["key"], record["salt"]) == (None, b"")
    assert record["occurred_at"] == record["recorded_at"]
    told = json.loads(record["state"])
    assert told == {
        "positions": [1, 4, 9, 12],
        "reason": WHY.reason,
        "by": WHY.by,
        "at": record["recorded_at"].isoformat().replace("+00:00", "Z"),
    }
    assert PERSON.encode() not in b"".join(row[names.index("state")] or b"" for row in after[8:])


def test_the_log_is_proven_by_the_kept_commitments_as_before(
    casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send(played())
    states = {
        position: sha256(b"\x02" + salt + state).digest()
        for position, salt, state in owner.execute(
            "select position, salt, state from events where tenant_id = %s and salt <> ''",
            [casino.tenant.tenant_id],
        )
    }
    hashes = recorded_hashes(owner, casino.tenant.tenant_id)
    erased(casino.tenant)
    kept = {row[1]: (row[2], row[3]) for row in rows(owner, "erased", casino.tenant)}
    assert kept == {position: (commitment, 5) for position, commitment in states.items()}
    assert sorted(kept) == [1, 4]
    after = recorded_hashes(owner, casino.tenant.tenant_id)
    assert after[:4] == hashes
    # Made from what is left of the rows, the record of the erasure among them.
    assert after == expected_hashes(owner, casino.tenant.tenant_id)
    assert len(after) == 5


def test_a_second_erasure_takes_what_came_since(
    casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send(played())
    assert erased(casino.tenant) == Erased(5, events=2)
    assert erased(casino.tenant) == Erased(None)
    assert len(rows(owner, "events", casino.tenant)) == 5
    casino.send(played())
    assert erased(casino.tenant) == Erased(10, events=2)
    assert [(row[1], row[3]) for row in rows(owner, "erased", casino.tenant)] == [
        *((1, 5), (4, 5), (6, 10), (9, 10))
    ]


def test_a_player_that_nobody_knows_and_another_tenants_are_left_alone(
    new_casino: OpenCasino, erased: Erase, owner: Connection
) -> None:
    one, other = new_casino(), new_casino()
    for casino in (one, other):
        casino.send(played())
    before = rows(owner, "events", other.tenant)
    assert erased(one.tenant, "nobody") == Erased(None)
    assert erased(one.tenant) == Erased(5, events=2)
    assert rows(owner, "events", other.tenant) == before


def test_money_of_long_ago_goes_too_where_it_is_asked_for(
    casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send([*played(timestamp=LONG_AGO), *played(timestamp="2015-01-16T00:00:00Z")])
    assert erased(casino.tenant, before=BEFORE) == Erased(9, events=6)
    assert [row[1] for row in rows(owner, "erased", casino.tenant)] == [1, 2, 3, 4, 5, 8]


# Idempotency


@pytest.mark.parametrize("more", ["1", f'"{"x" * 5000}"'], ids=["small", "large"])
def test_what_was_erased_and_is_sent_again_is_a_duplicate_whatever_it_says(
    more: str, pool: Pool, tenant: Tenant, erased: Erase, owner: Connection
) -> None:
    sent = [login("a", more=more), login("b", more=more)]
    send(pool, tenant, sent)
    erased(tenant)
    again = [
        *sent,
        login("a", more="2"),
        WireItem("player", '{"unique_id":"b","timestamp":"2025-06-15T12:00:00Z","player_id":"q"}'),
    ]
    answer = as_dict(send(pool, tenant, again))
    assert [each["outcome"] for each in answer["items"]] == ["duplicate"] * 4
    assert [each["position"] for each in answer["items"]] == [1, 2, 1, 2]
    assert (answer["stored"], answer["conflict"]) == (0, 0)
    assert rows(owner, "conflicts", tenant) == []
    assert len(rows(owner, "events", tenant)) == 3


def test_a_large_state_that_goes_while_it_is_compared_makes_a_duplicate(
    pool: Pool, tenant: Tenant, erased: Erase
) -> None:
    send(pool, tenant, [login("a", more=f'"{"x" * 5000}"')])
    batch = prepare(decoded(tenant, [login("a")]))
    with pool.connection() as connection:
        known = RecordedEvents(connection, tenant.tenant_id)
        known.look_up(batch.keys)
        [event] = known.by_key.values()
        assert event == KnownEvent(1, "LoggedIn", None)
        erased(tenant)
        assert known.state(event) == b""


def test_what_was_compared_before_and_is_refused_after_the_erasure_is_not_registered(
    pool: Pool, tenant: Tenant, erased: Erase, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(pool, tenant, logins(["a"]))
    batch = prepare(decoded(tenant, [login("a", more=f'"{PERSON}"'), login("b")]))

    def judge_then_erase(*arguments: Any) -> Judged:
        judged = judge(*arguments)
        erased(tenant)
        return judged

    # The package's name `commit` is the function.
    monkeypatch.setattr(sys.modules[commit.__module__], "judge", judge_then_erase)
    recorded = commit(pool, tenant.tenant_id, batch, StreamHeads())
    assert list(recorded.outcomes) == ["conflict", "stored"]
    assert rows(owner, "conflicts", tenant) == []


# The register of conflicts


def test_what_was_refused_of_a_player_goes_with_the_player(
    casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send(
        [
            item("login", unique_id="l", player_id="p"),
            deposit(unique_id="d", player_id="p"),
            deposit(unique_id="e", player_id="q"),
            item("login", unique_id="m", player_id="q"),
        ]
    )
    refused = [
        item("login", unique_id="l", player_id="q", more=PERSON),  # at an erased position
        item("player", unique_id="d", player_id="p", username=PERSON),  # its own, beside money
        item("player", unique_id="e", player_id="p", username=PERSON),  # its own, beside another's
        item("player", unique_id="m", player_id="q", username="Bob"),
        deposit(unique_id="d", player_id="p", amount=7),
        item("login", unique_id="e", player_id="other", more={"player_id": "p"}),
    ]
    casino.send(refused)
    casino.send_body(
        b'{"items":[{"event":"login","data":{"unique_id":"d","timestamp":"2025-01-15T12:00:00Z",'
        b'"player_id":7,"player_id":"\\u0070"}}]}'
    )
    before = casino.items("conflicts")
    assert len(before) == 7
    assert erased(casino.tenant) == Erased(5, events=1, conflicts=4)
    after = casino.items("conflicts")
    for index, (was, is_) in enumerate(zip(before, after, strict=True)):
        expected = was | ({"data": None} if index in {0, 1, 2, 6} else {})
        if was["position"] == 1:
            expected |= {"recorded": {"event": "login", "data": None}}
        assert is_ == expected
    assert casino.items("conflicts", unique_id="d", from_position=2) == [
        after[1],
        after[4],
        after[6],
    ]
    assert [row[1:] for row in rows(owner, "erased_conflicts", casino.tenant)] == [
        *((1, 5), (2, 5), (3, 5), (7, 5))
    ]
    assert PERSON not in json.dumps(after)


def test_a_player_of_whom_there_is_only_what_was_refused_can_be_erased(
    casino: Casino, erased: Erase
) -> None:
    casino.fill([deposit(unique_id="d", player_id="q")])
    casino.send([item("player", unique_id="d", player_id="p", username=PERSON)])
    assert erased(casino.tenant) == Erased(2, conflicts=1)
    casino.project()
    for asked in ({}, {"at_position": 2}, {"at_position": 1}):
        assert casino.get("players/p", **asked).status == 404
    assert casino.get("balances", player_id="p", at_position=2).json["items"] == []
    casino.fill([item("login", player_id="p")])
    live = casino.get("players/p").json
    assert live == casino.get("players/p", at_position=3).json
    assert (live["logins"], live["username"]) == (1, None)


def test_a_register_of_many_pages_is_searched_whole(
    pool: Pool, tenant: Tenant, erased: Erase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.log.erasure._AT_ONCE", 3)
    send(pool, tenant, logins([f"u{n}" for n in range(10)], "q"))
    send(pool, tenant, [login(f"u{n}", "p" if n % 2 else "r") for n in range(10)])
    assert erased(tenant) == Erased(11, conflicts=5)


# Holds


def test_a_player_on_hold_is_not_erased_until_it_is_released(
    casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send([*played(), *played("q")])
    tenant_id = casino.tenant.tenant_id
    hold = new_hold("p", "a dispute", "legal")
    assert set_hold(owner, tenant_id, hold)
    assert not set_hold(owner, tenant_id, hold)
    assert list_holds(owner, tenant_id) == [hold]
    for before in (None, BEFORE):
        with pytest.raises(HeldError):
            erased(casino.tenant, before=before)
    assert rows(owner, "erased", casino.tenant) == []
    assert erased(casino.tenant, "q") == Erased(9, events=2)
    assert set_hold(owner, tenant_id, new_hold("p", "settled", "legal"), held=False)
    assert not set_hold(owner, tenant_id, hold, held=False)
    assert list_holds(owner, tenant_id) == []
    assert erased(casino.tenant) == Erased(10, events=2)
    assert [row[3] for row in rows(owner, "holds", casino.tenant)] == [True, False]


# Snapshots


def test_snapshots_of_the_stream_go_and_none_that_was_read_before_comes_back(
    pool: Pool, casino: Casino, erased: Erase, owner: Connection
) -> None:
    casino.send([*played(), *played("q")])
    tenant_id = casino.tenant.tenant_id
    snapshots = SnapshotStore(pool, tenant_id)
    taken = {}
    for name, position in (("p", 4), ("q", 8)):
        player = player_at(pool, tenant_id, name, position)
        assert player is not None
        taken[name] = Taken(player)
        snapshots.keep(taken[name])
    assert erased(casino.tenant) == Erased(9, events=2, snapshots=1)
    assert [row[1] for row in rows(owner, "snapshots", casino.tenant)] == ["player:q"]
    snapshots.keep(taken["p"])
    snapshots.keep(taken["q"])
    assert [row[1] for row in rows(owner, "snapshots", casino.tenant)] == ["player:q"]

    again = player_at(pool, tenant_id, "p", 9)
    assert again is not None
    assert again.profile.values == {}
    snapshots.keep(Taken(again))
    casino.send([item("player", player_id="p", country="MT")])
    assert len(rows(owner, "snapshots", casino.tenant)) == 2
    last = player_at(pool, tenant_id, "p", 10)
    assert last is not None
    assert last.profile.values == {"country": "MT"}


def test_who_keeps_a_snapshot_waits_for_an_erasure_that_is_about_to_commit(
    pool: Pool, casino: Casino, owner: Connection
) -> None:
    casino.send(played())
    tenant_id = casino.tenant.tenant_id
    player = player_at(pool, tenant_id, "p", 4)
    assert player is not None
    keeping = Thread(target=SnapshotStore(pool, tenant_id).keep, args=[Taken(player)])
    with owner.transaction():
        erase(owner, tenant_id, "p", WHY)
        keeping.start()
        waiting = (
            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
            " and objid = %s"
        )
        found = (0,)
        while found == (0,) and keeping.is_alive():
            row = owner.execute(waiting, [tenant_id]).fetchone()
            assert row is not None
            found = row
        assert found == (1,)
    keeping.join()
    assert rows(owner, "snapshots", casino.tenant) == []


# The library


def test_the_library_reads_an_erased_event_as_the_time_at_which_it_happened(
    casino: Casino, pool: Pool, erased: Erase
) -> None:
    casino.send(played(timestamp="2025-01-15T12:00:00.5Z"))
    erased(casino.tenant)
    log = TenantLog(pool, casino.tenant.tenant_id)
    time = b'"2025-01-15T12:00:00.5+00:00"'
    expected = [
        StoredEvent("player:p", 1, "PlayerUpdated", time),
        StoredEvent("player:p", 4, "LoggedIn", time),
    ]
    chosen = [event for event in log.select_events("player:p") if event.state == time]
    assert chosen == expected
    backwards = log.select_events("player:p", desc=True)
    assert [event for event in backwards if event.state == time] == expected[::-1]
    for topics in ((), ("PlayerUpdated", "LoggedIn")):
        found = log.select_notifications(1, 10, topics=topics)
        assert [each.id for each in found if each.state == time] == [1, 4]
    small = TenantLog(pool, casino.tenant.tenant_id, stretch_bytes=1)
    assert [each.id for each in small.select_notifications(1, 10)] == [1]

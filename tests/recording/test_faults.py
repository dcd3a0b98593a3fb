"""What goes wrong while a batch is recorded: nothing of it stays, and it can be sent again as it is."""

import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from app.log.append import UnknownTenantError
from app.log.heads import StreamHeads
from app.recording import KeyCollisionError, commit, prepare, record
from app.tenants import Tenant
from domain.ids import event_key
from postgres.connections import Pool, connect, open_pool
from postgres.errors import UNAVAILABLE
from tests.recording.sending import assert_gapless, decoded, login, logins, send, stored_events
from tests.strategies import WireItem


def conflicts(pool: Pool, tenant: Tenant) -> list[tuple[Any, ...]]:
    with pool.connection() as connection:
        return connection.execute(
            "select unique_id, event, data from conflicts where tenant_id = %s order by number",
            [tenant.tenant_id],
        ).fetchall()


def end_session(url: str, session: psycopg.Connection[Any]) -> None:
    """End another session as an operator would, and wait until it is gone."""
    with connect(url) as operator:
        ended = operator.execute(
            "select pg_terminate_backend(%s::int, 60000)", [session.info.backend_pid]
        ).fetchone()
        assert ended == (True,)


@pytest.fixture
def victim(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that lets the next recording lose its connection at a certain moment."""
    used: list[str] = []
    copy_write = psycopg.Copy.write
    execute = psycopg.Connection.execute

    def kill_once(moment: str, session: psycopg.Connection[Any]) -> None:
        if moment in used:
            used.remove(moment)
            end_session(database_url, session)

    def write(self: psycopg.Copy, buffer: bytes) -> None:
        middle = len(buffer) // 2
        kill_once("before COPY", self.connection)
        copy_write(self, buffer[:middle])
        kill_once("amid COPY", self.connection)
        copy_write(self, buffer[middle:])

    def recorded_execute(self: psycopg.Connection[Any], query: Any, *args: Any, **kw: Any) -> Any:
        if "from lock_log(" in str(query):
            kill_once("before the lock", self)
        answer = execute(self, query, *args, **kw)
        if "from lock_log(" in str(query):
            kill_once("behind the lock", self)
        return answer

    monkeypatch.setattr(psycopg.Copy, "write", write)
    monkeypatch.setattr(psycopg.Connection, "execute", recorded_execute)
    return used.append


@pytest.mark.parametrize(
    "moment", ["before the lock", "behind the lock", "before COPY", "amid COPY"]
)
def test_a_connection_lost_while_recording_leaves_nothing_and_the_batch_can_be_sent_again(
    moment: str, victim: Callable[[str], None], pool: Pool, tenant: Tenant
) -> None:
    send(pool, tenant, logins(["first"]))
    batch = [*logins([f"u{number}" for number in range(2_000)]), *logins(["first"], "other")]
    victim(moment)
    with pytest.raises(UNAVAILABLE):
        send(pool, tenant, batch)
    assert len(stored_events(pool, tenant)) == 1
    assert conflicts(pool, tenant) == []
    receipt = send(pool, tenant, batch)
    assert (receipt.stored, receipt.conflict) == (2_000, 1)
    log = stored_events(pool, tenant)
    assert_gapless(log)
    assert [event.state.decode() for event in log[1:]] == [item.data_text for item in batch[:-1]]
    assert len(conflicts(pool, tenant)) == 1


def test_a_batch_that_was_committed_unheard_is_all_duplicates_when_it_is_sent_again(
    pool: Pool, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unheard(psycopg.OperationalError):
        pass

    def lose_answer(*args: Any, **kwargs: Any) -> None:
        raise Unheard

    batch = logins(["u", "v"])
    heads = StreamHeads()
    with monkeypatch.context() as patched:
        # The first thing behind the commit.
        patched.setattr(StreamHeads, "advance", lose_answer)
        with pytest.raises(UNAVAILABLE):
            commit(pool, tenant.tenant_id, prepare(decoded(tenant, batch)), heads)
    again = commit(pool, tenant.tenant_id, prepare(decoded(tenant, batch)), heads)
    assert again.outcomes == ["duplicate"] * 2
    following = prepare(decoded(tenant, logins(["w"])))
    assert commit(pool, tenant.tenant_id, following, heads).outcomes == ["stored"]
    assert_gapless(stored_events(pool, tenant))


def test_heads_of_a_log_that_was_set_back_are_forgotten(
    pool: Pool, new_tenant: Callable[..., Tenant]
) -> None:
    """As after a restore of the database under a running service."""
    heads = StreamHeads()
    before, restored = new_tenant(), new_tenant()
    for tenant, unique_ids in (
        (before, ["a", "b", "c"]),
        (restored, ["a"]),
        (restored, ["b", "c"]),
    ):
        commit(pool, tenant.tenant_id, prepare(decoded(tenant, logins(unique_ids))), heads)
    assert_gapless(stored_events(pool, restored))
    assert len(stored_events(pool, restored)) == 3


@pytest.fixture
def colliding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all unique_ids that begin with `same` have one key."""

    def collide(unique_id: str) -> bytes:
        return event_key("same" if unique_id.startswith("same") else unique_id)

    # By its path it can't be named: the package shows a function of that name.
    monkeypatch.setattr(sys.modules["app.recording.prepare"], "event_key", collide)


def states(pool: Pool, tenant: Tenant) -> list[str]:
    return [event.state.decode() for event in stored_events(pool, tenant)]


def test_two_unique_ids_with_one_key_in_a_batch_are_an_error_and_nothing_is_recorded(
    colliding: None, pool: Pool, tenant: Tenant
) -> None:
    with pytest.raises(KeyCollisionError, match="same/2"):
        send(pool, tenant, logins(["other", "same/1", "same/2"]))
    assert states(pool, tenant) == []


@pytest.mark.parametrize("remembering", [False, True])
def test_a_unique_id_with_the_key_of_a_recorded_one_is_an_error_and_nothing_is_recorded(
    remembering: bool, colliding: None, pool: Pool, tenant: Tenant
) -> None:
    heads = StreamHeads()

    def record_batch(batch: list[WireItem]) -> None:
        commit(pool, tenant.tenant_id, prepare(decoded(tenant, batch)), heads)
        if not remembering:
            heads.forget()

    first = logins(["same/1"])
    record_batch(first)
    for batch in (logins(["other", "same/2"]), logins(["same/1", "same/2"]), logins(["same/2"])):
        with pytest.raises(KeyCollisionError, match="same/2"):
            record_batch(batch)
    assert states(pool, tenant) == [first[0].data_text]
    assert conflicts(pool, tenant) == []
    record_batch([*first, *logins(["other"])])
    assert len(states(pool, tenant)) == 2


def test_an_item_whose_unique_id_is_repeated_in_it_is_known_by_the_last_one(
    pool: Pool, tenant: Tenant
) -> None:
    odd = [
        WireItem("login", f'{{"unique_id":{first},{login("u").data_text[1:]}')
        for first in ("1e400", "null", '"v"', "[[1e999]]")
    ]
    for item in odd:
        receipt = send(pool, tenant, [item, *logins(["u"]), login("u", "other")])
        assert {outcome.position for outcome in receipt.items} == {1}
        assert (receipt.stored + receipt.duplicate, receipt.conflict) == (2, 1)
    assert states(pool, tenant) == [odd[0].data_text]
    assert len(conflicts(pool, tenant)) == 1


def test_a_refused_content_is_kept_as_it_was_sent_first_and_once(
    pool: Pool, tenant: Tenant
) -> None:
    send(pool, tenant, logins(["u"]))
    refused = login("u", "other", more="[1.0, 2]")
    for again in (
        refused,
        login("u", "other", more="[1, 2e0]"),
        login("u", "other", more=" [1,2]"),
    ):
        assert send(pool, tenant, [again, again]).conflict == 2
    assert conflicts(pool, tenant) == [("u", "login", refused.data_text.encode())]
    send(pool, tenant, [WireItem("player", refused.data_text)])
    assert [event for _, event, _ in conflicts(pool, tenant)] == ["login", "player"]


def test_the_widest_ids_there_can_be_are_recorded_and_told_apart(
    pool: Pool, tenant: Tenant
) -> None:
    wide = "😀" * 254
    batch = [
        login(f"{wide}{unique_id}", f"{wide}{player_id}")
        for unique_id in "ab"
        for player_id in "cd"
    ]
    receipt = send(pool, tenant, batch)
    assert (receipt.stored, receipt.conflict) == (2, 2)
    assert send(pool, tenant, batch).duplicate == 2


def test_an_unknown_tenant_is_an_error(pool: Pool, tenant: Tenant) -> None:
    with pytest.raises(UnknownTenantError):
        record(pool, 2_000_000_000, decoded(tenant, logins(["u"])))


def test_an_empty_batch_tells_the_head_of_the_log(pool: Pool, tenant: Tenant) -> None:
    assert record(pool, tenant.tenant_id, []).log_position == 0
    send(pool, tenant, logins(["u", "v"]))
    assert record(pool, tenant.tenant_id, []).log_position == 2


def test_a_store_that_is_away_is_unavailable(tenant: Tenant) -> None:
    with open_pool("postgresql://nobody@127.0.0.1:1/none", max_size=1) as away:
        away.timeout = 0.2
        with pytest.raises(UNAVAILABLE):
            send(away, tenant, logins(["u"]))

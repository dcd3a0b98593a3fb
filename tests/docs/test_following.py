"""The example that follows the log from outside: killed at any moment, it applies each event once."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.databases import Database, new_database
from tests.http.service import Service, eventually, on, serving
from tests.http.wire import EVENTS, bet, body, deposit, login

FOLLOW = Path(__file__).parents[2] / "examples" / "follow.py"
HISTORY = "/api/v1/history"
_LONG_S = 60
_KILLS = 4

_AT_ONE_MOMENT = """
    select (select position from followed), (select count(*) from events),
           (select coalesce(max(position), 0) from events), (select coalesce(sum(events), 0) from counts)
"""


class Mirror:
    """The database that the example writes, looked at from outside."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_LONG_S, isolation_level=None)

    def reached(self) -> int:
        """Up to which position events were applied; -1 where there are no tables yet.

        Fails unless all that is written agrees, at whatever moment one looks.
        """
        with closing(self.open()) as connection:
            try:
                [seen] = connection.execute(_AT_ONE_MOMENT).fetchall()
            except sqlite3.OperationalError:
                return -1
        assert len(set(seen)) == 1, seen
        return int(seen[0])

    def check(self) -> list[str]:
        """Fail unless each event up to the position is there once, in order; return all of them."""
        reached = self.reached()
        if reached < 0:
            return []
        with closing(self.open()) as connection:
            events = connection.execute("select * from events order by rowid").fetchall()
            counts = dict(connection.execute("select * from counts").fetchall())
        assert [position for position, _, _ in events] == list(range(1, reached + 1))
        assert counts == Counter(event for _, event, _ in events)
        return [entry for _, _, entry in events]

    def wait_for(self, position: int) -> None:
        eventually(lambda: self.reached() >= position)

    def is_at_commit(self) -> bool:
        """Whether a commit waits for those who read to end: who comes now is not let in.

        Asked by another process, as within one SQLite shares its locks.
        """
        look = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute(sys.argv[2])"
        command = [sys.executable, "-c", look, str(self.path), "select * from followed"]
        looked = subprocess.run(command, check=False, capture_output=True, text=True)
        return "database is locked" in looked.stderr


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A mirror that is not there yet."""
    return Mirror(tmp_path / "mirror.db")


@pytest.fixture(scope="module")
def service(
    admin_url: str, template: Database, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """A service of these tests' own: one of them kills its worker."""
    folder = tmp_path_factory.mktemp("followed")
    with ExitStack() as stack:
        database = stack.enter_context(new_database(admin_url, template=template))
        arguments = ["--no-projections"]
        yield stack.enter_context(serving(folder, *arguments, settings=on(database)))


@pytest.fixture
def key(service: Service, request: pytest.FixtureRequest) -> str:
    """A key to write and to follow the log of a tenant of the test's own."""
    return _new_key(service, request.node.name)


@pytest.fixture
def client(service: Service, key: str) -> Iterator[httpx.Client]:
    with service.client(key) as opened:
        yield opened


@contextmanager
def following(
    service: Service, key: str, mirror: Mirror, *arguments: str
) -> Iterator[subprocess.Popen[str]]:
    """Run the example, and kill it in the end."""
    with subprocess.Popen(
        [sys.executable, str(FOLLOW), service.url, str(mirror.path), *arguments],
        env=os.environ | {"API_KEY": key},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def kill_at_commit(service: Service, key: str, mirror: Mirror) -> None:
    """Kill it when all is written but not committed: a commit waits for who reads."""
    with closing(mirror.open()) as reader, following(service, key, mirror):
        reader.execute("begin")
        reader.execute("select * from followed").fetchone()
        eventually(mirror.is_at_commit)


def record(client: httpx.Client, name: str, *, items: int = 3) -> int:
    """Record items whose text and numbers are to come out as they went in; return the log's head."""
    made = [
        each
        for number in range(items // 3)
        for each in (
            login(f"login {number} {name}", player_id="Åsa\u2028\n\"Ö'"),
            deposit(f"deposit {number} {name}", amount=0.1),
            bet(f"bet {number} {name}", amount=100, round_id=f"round {number}"),
        )
    ]
    batch = body(*made).replace(b'"amount": 0.1', b'"amount": 12345678901234567890.1000')
    heads: list[int] = []

    def send() -> bool:
        with suppress(httpx.TransportError):
            answer = client.post(EVENTS, content=batch)
            if answer.status_code == httpx.codes.NO_CONTENT:
                heads.append(int(answer.headers["log-position"]))
        return bool(heads)

    eventually(send)
    return heads[0]


def test_killed_at_any_moment_it_applies_each_event_once_and_in_order(
    service: Service, key: str, client: httpx.Client, mirror: Mirror
) -> None:
    record(client, "at first", items=9_999)
    with following(service, key, mirror):
        pass  # killed before it could do anything
    for number in range(_KILLS):
        # However late it is killed, there is more for the next one.
        record(client, f"{number}", items=9_999)
        next_one = mirror.reached() + 1
        with following(service, key, mirror):
            mirror.wait_for(next_one)
        mirror.check()
    # However quick it was, there is something to commit.
    head = record(client, "to be committed")
    before = mirror.reached()
    kill_at_commit(service, key, mirror)
    assert mirror.reached() == before
    with following(service, key, mirror):
        mirror.wait_for(head)
        mirror.wait_for(record(client, "while it listens"))
        [worker] = service.workers()
        os.kill(worker, signal.SIGKILL)
        # It connects again by itself.
        mirror.wait_for(record(client, "when the service is back"))
        # Killed while there is nothing to come.
    mirror.check()
    head = record(client, "while it is away")
    with following(service, key, mirror):
        mirror.wait_for(head)
    history = client.get(HISTORY, headers={"accept": "application/x-ndjson"}).content.decode()
    assert mirror.check() == history.removesuffix("\n").split("\n")


def test_what_is_followed_up_to_a_position_ends_there_and_is_complete_the_next_time(
    service: Service, key: str, client: httpx.Client, mirror: Mirror
) -> None:
    client.post(EVENTS, content=body(login("a"), login("b"), login("c")))
    for _ in range(2):
        with following(service, key, mirror, "--to-position", "2") as process:
            assert process.wait(_LONG_S) == 0
        assert len(mirror.check()) == 2


def test_a_log_that_ends_before_what_was_followed_is_not_taken_for_silence(
    service: Service, key: str, client: httpx.Client, mirror: Mirror
) -> None:
    client.post(EVENTS, content=body(login("a"), login("b")))
    with following(service, key, mirror):
        mirror.wait_for(2)
    before = mirror.check()
    _, said = _ended(service, _new_key(service, "restored"), mirror)
    assert said.startswith("409: ")
    assert mirror.check() == before


def test_a_log_that_grew_again_after_a_restore_is_not_taken_for_the_one_that_was_followed(
    service: Service, key: str, client: httpx.Client, mirror: Mirror
) -> None:
    client.post(EVENTS, content=body(login("a"), login("b")))
    with following(service, key, mirror):
        mirror.wait_for(2)
    before = mirror.check()
    another = _new_key(service, "grown-again")
    with service.client(another) as other:
        other.post(EVENTS, content=body(login("a"), login("x"), login("y")))
    _, said = _ended(service, another, mirror)
    assert said.startswith("409: ")
    assert "urn:roundbook:problem:other-log" in said
    assert mirror.check() == before


def test_a_key_that_may_not_audit_ends_it_with_what_the_service_says(
    service: Service, mirror: Mirror
) -> None:
    _, said = _ended(service, "rb_unknown", mirror)
    assert said.startswith("403: ")
    assert "urn:roundbook:problem:forbidden" in said
    assert mirror.check() == []


def _ended(service: Service, key: str, mirror: Mirror) -> tuple[int, str]:
    """Run it until it ends by itself with status 1; return what it said."""
    with following(service, key, mirror) as process:
        _, said = process.communicate(timeout=_LONG_S)
    assert process.returncode == 1, said
    return process.returncode, said


def _new_key(service: Service, test: str) -> str:
    tenant = test.replace("_", "-")[:63]
    service.new_tenant(tenant)
    return service.new_key(tenant, "ingest", "audit")

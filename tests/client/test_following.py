"""Following a log: from a position, across restarts, into a log that is another."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import httpx2
import pytest
from roundbook_client import AnsweredError, Client, Entry, OtherLog, OutOfOrderError, history
from roundbook_client.following import Following
from roundbook_client.service import Service as ClientService

from tests.client.conftest import new_key, quick
from tests.client.test_items import deposit
from tests.databases import Database
from tests.http.service import Service, on

_LONG_S = 60


def test_it_goes_on_after_a_position_while_the_service_is_killed_and_started(
    fresh_database: Database, start: Callable[..., Service], tmp_path: Path
) -> None:
    service = start(settings=on(fresh_database))
    service.new_tenant("acme")
    key = service.new_key("acme", "ingest", "audit")
    followed: list[Entry] = []
    reached = threading.Condition()

    def follow() -> None:
        with Client(service.url, key=key) as follower:
            for entry in follower.history.follow(after=3):
                with reached:
                    followed.append(entry)
                    reached.notify()
                if entry.position == 40:
                    return

    def reaches(position: int) -> bool:
        with reached:
            return reached.wait_for(
                lambda: bool(followed) and followed[-1].position >= position, _LONG_S
            )

    with Client(service.url, key=key, spool=tmp_path / "spool", options=quick()) as client:
        client.send([deposit(f"a{n}") for n in range(10)])
        thread = threading.Thread(target=follow)
        thread.start()
        assert reaches(10)
        for worker in service.workers():
            os.kill(worker, signal.SIGKILL)
        client.send([deposit(f"b{n}") for n in range(10)])
        assert reaches(20)
        port = str(service.address[1])
        service.stop()
        client.send([deposit(f"c{n}") for n in range(20)])
        start("--port", port, settings=on(fresh_database))
        assert reaches(40)
        thread.join()
    assert [each.position for each in followed] == list(range(4, 41))
    assert len({each.log_id for each in followed}) == 1


def test_it_ends_at_a_position_and_says_how_far_it_is(
    service: Service, key: str, client: Client
) -> None:
    client.send([deposit(f"a{n}", player_id=f"p{n % 2}") for n in range(10)])
    client.flush(_LONG_S)
    follow = client.history.follow(to_position=7)
    assert [each.position for each in follow] == [1, 2, 3, 4, 5, 6, 7]
    assert follow.position == 7
    # Complete: there is nothing more up to there.
    assert list(client.history.follow(after=7, log_id=follow.log_id, to_position=7)) == []
    filtered = client.history.follow(to_position=7, filters={"player_id": "p1"})
    assert [each.position for each in filtered] == [2, 4, 6]
    with closing(client.history.follow().batches()) as batches:
        assert next(batches)[0].position == 1


def test_a_log_that_is_another_or_ends_before_is_told(
    service: Service, key: str, client: Client
) -> None:
    client.send([deposit(f"a{n}") for n in range(3)])
    client.flush(_LONG_S)
    [*_, last] = client.history.follow(to_position=3)
    with Client(service.url, key=new_key(service)) as other:
        with pytest.raises(OtherLog) as raised:
            next(iter(other.history.follow(after=3, log_id=last.log_id)))
        assert raised.value.problem.type.endswith(":other-log")
        with pytest.raises(OtherLog) as raised:
            next(iter(other.history.follow(after=3)))
        assert raised.value.problem.log_position == 0
    with Client(service.url, key="rb_wrong") as refused:
        with pytest.raises(AnsweredError) as denied:
            next(iter(refused.history.follow()))
        assert denied.value.status == 403


def test_what_is_lost_or_doubled_on_the_way_is_told() -> None:
    entry = (
        b'{"position":%d,"stream":"player:p","version":1,"event":"login","type":"LoggedIn",'
        b'"recorded_at":"2025-01-15T06:31:00Z","data":{}}'
    )

    def message(position: int) -> bytes:
        return b"id: %d\ndata: %b\n\n" % (position, entry % position)

    whole = b": hello\n\n" + message(1) + message(2) + b": still here\n\n" + message(3)
    for size in (1, 7, 1_000):
        following = Following(0, None, None, {})
        read = [
            each.position
            for at in range(0, len(whole), size)
            for each in following.read(whole[at : at + size])
        ]
        assert read == [1, 2, 3]
        with pytest.raises(OutOfOrderError, match="after position 3 came 5"):
            following.read(message(5))
    with pytest.raises(OutOfOrderError):
        Following(3, None, None, {"event": None}).read(message(3))
    assert len(Following(0, None, None, {"event": "login"}).read(message(5))) == 1


class _Pauses:
    """What the client pauses by; nobody waits."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def _answered_by(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[httpx2.Request], httpx2.Response]
) -> None:
    """Let clients be answered by a function."""

    def client(_: ClientService, timeout_s: float) -> httpx2.Client:
        transport = httpx2.MockTransport(answer)
        return httpx2.Client(base_url="http://x", transport=transport, timeout=timeout_s)

    monkeypatch.setattr(ClientService, "client", client)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(204),
        httpx2.Response(204, headers={"log-id": "a"}),
        httpx2.Response(200, html="<html>welcome</html>"),
        httpx2.Response(200, headers={"log-id": "a"}, json={"items": []}),
        httpx2.Response(200, headers={"content-type": "text/event-stream"}),
    ],
    ids=str,
)
def test_the_answer_of_a_stranger_is_no_log(
    monkeypatch: pytest.MonkeyPatch, answer: httpx2.Response
) -> None:
    _answered_by(monkeypatch, lambda _: answer)
    with (
        Client("http://x", key="k") as client,
        pytest.raises(AnsweredError, match="is not the service"),
    ):
        next(iter(client.history.follow()))


@pytest.mark.parametrize(
    "text", ["<html>welcome</html>", "{}", '{"items": [1], "next_cursor": null}']
)
def test_the_answer_of_a_stranger_is_none_to_a_query(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    _answered_by(monkeypatch, lambda _: httpx2.Response(200, text=text))
    with Client("http://x", key="k") as client:
        for ask in (client.status, lambda: list(client.players()), lambda: client.player("p")):
            with pytest.raises(AnsweredError, match="200: who answered is not the service"):
                ask()


def test_a_log_that_is_never_the_one_that_was_named_is_not_asked_for_without_a_pause(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = {"type": "urn:roundbook:problem:other-log", "log_id": "b", "agreed_to": 7}
    answers = [httpx2.Response(409, json=problem)] * 5 + [httpx2.Response(403)]
    _answered_by(monkeypatch, lambda _: answers.pop(0))
    pauses = _Pauses()
    monkeypatch.setattr(history, "time", pauses)
    with Client("http://x", key="k") as client, pytest.raises(AnsweredError, match="403"):
        next(iter(client.history.follow(after=7, log_id="a")))
    assert len(pauses.slept) == 5

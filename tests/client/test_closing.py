"""What ends while others wait for it: closing, cancelling, forking; and what is refused before it begins."""

import asyncio
import errno
import logging
import os
from pathlib import Path
from threading import Thread

import pytest
from roundbook_client import AsyncClient, Client, Closed, SpoolInUse

from tests.client.conftest import quick
from tests.client.test_items import deposit
from tests.http.service import eventually

_NOBODY = "http://127.0.0.1:9"


def test_who_waits_for_a_flush_is_told_that_another_closed_the_client(tmp_path: Path) -> None:
    client = Client(_NOBODY, key="k", spool=tmp_path, options=quick()).open()
    client.send(deposit())
    told: list[Exception] = []

    def flush() -> None:
        try:
            client.flush()
        except Closed as error:
            told.append(error)

    waiting = Thread(target=flush, daemon=True)
    waiting.start()
    outbox = client._outbox
    eventually(lambda: bool(outbox._drainer._acknowledged._waiters))  # type: ignore[attr-defined]
    client.close(0)
    waiting.join(60)
    assert [str(error).split(" before")[0] for error in told] == ["the client was closed"]


def test_a_loop_ends_after_a_flush_that_was_given_up(tmp_path: Path) -> None:
    async def work() -> None:
        client = await AsyncClient(_NOBODY, key="k", spool=tmp_path, options=quick()).open()
        await client.send(deposit())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.flush(), 0.1)
        await client.close(0)

    ended = Thread(target=asyncio.run, args=(work(),), daemon=True)
    ended.start()
    ended.join(60)
    assert not ended.is_alive()


def test_a_child_of_a_fork_does_not_wait_for_the_spool_of_its_parent(tmp_path: Path) -> None:
    with Client(_NOBODY, key="k", spool=tmp_path, options=quick()) as client:
        client.send(deposit())
        client._outbox._spool._pid += 1  # as it is after a fork
        with pytest.raises(SpoolInUse):
            client.flush()
        client._outbox._spool._pid -= 1
        client.close(0)


@pytest.mark.parametrize("key", ["rb_SECRET\n", "rb_SECRET é", " rb_SECRET", ""])
def test_a_key_that_no_header_can_hold_is_refused_and_not_shown(key: str) -> None:
    for kind in (Client, AsyncClient):
        with pytest.raises(ValueError, match="the key is empty, or has other characters") as raised:
            kind(_NOBODY, key=key)
        assert "SECRET" not in str(raised.value)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "localhost", "ftp://a", "http://", ""])
def test_what_is_no_url_of_a_service_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match="http://"):
        Client(url, key="k")


def test_what_was_sent_by_tasks_that_were_cancelled_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work() -> None:
        client = await AsyncClient(_NOBODY, key="k", spool=tmp_path, options=quick()).open()
        sending = asyncio.create_task(client.send([deposit("a"), deposit("b")]))
        await asyncio.sleep(0)
        sending.cancel()
        await client.send(deposit("c"))
        assert client.counters.spooled == 3
        await client.close(0)

    asyncio.run(work())


def test_a_segment_that_can_not_be_read_is_told_once_without_a_traceback(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with Client(_NOBODY, key="k", spool=tmp_path, options=quick()) as client:
        client.send(deposit())
        client.close(0)
    (tmp_path / "acknowledged").unlink()
    [segment] = tmp_path.glob("*.segment")
    segment.rename(tmp_path / "kept")
    segment.mkdir()  # which can be opened, and not be read
    with caplog.at_level(logging.ERROR):
        client = Client(_NOBODY, key="k", spool=tmp_path, options=quick()).open()
        eventually(lambda: client.problem is not None)
        client.close(0)
    [told] = [each for each in caplog.records if "is not drained" in each.getMessage()]
    assert os.strerror(errno.EISDIR) in told.getMessage()
    assert not told.exc_info

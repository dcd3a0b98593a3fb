"""What counts as stored by NATS, and what is waited for how long."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import nats as client_of_nats
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from app.relay.reading import Message
from app.relay.targets import nats
from app.relay.targets.target import DeliveryError, Target
from app.relay.turns import Due
from app.settings import Settings
from tests.brokers.conftest import nats_server
from tests.brokers.servers import Nats

__all__ = ["nats_server"]

pytestmark = pytest.mark.xdist_group("nats")

Opening = Callable[[str], Awaitable[Target]]

MESSAGE = Message("id-1", "acme", 1, "player:p", "login", "LoggedIn", b"{}", 0.0)


def published(
    server: Nats, folder: Path, work: Callable[[Opening, Client], Awaitable[None]]
) -> None:
    """Publish as `work` does, with what opens a subject, and a client of the same server."""

    async def run() -> None:
        settings = Settings(data_dir=str(folder), broker_url=server.url)
        opens, client = nats.Nats(settings), await client_of_nats.connect(server.url)
        try:
            await work(
                lambda subject: opens.open(
                    Due(1, "acme", "out", "nats", subject, None, datetime.now(UTC))
                ),
                client,
            )
        finally:
            await opens.close()
            await client.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "+ok",
            "",
            "{}",
            "[]",
            "null",
            '{"stream": "S"}',
            '{"seq": 1}',
            '{"stream": "S", "seq": 0}',
        ),
        *('{"stream": 1, "seq": 1}', '{"stream": "S", "seq": "1"}', '{"stream": "", "seq": 1}'),
        '{"error": {"code": 503, "description": "no space left"}, "stream": "S", "seq": 1}',
        '{"error": {}, "stream": "S", "seq": 1}',
    ],
)
def test_what_is_no_confirmation_of_a_stream_confirms_nothing(
    nats_server: Nats, tmp_path: Path, answer: str
) -> None:
    async def work(open_: Opening, client: Client) -> None:
        async def say(asked: Msg) -> None:
            await asked.respond(answer.encode())

        await client.subscribe("nobodys.stream", cb=say)
        await client.flush()
        with pytest.raises(DeliveryError, match=r"no stream|refused") as error:
            await (await (await open_("nobodys.stream")).send(MESSAGE))
        assert ("no space left" in str(error.value)) == ("no space left" in answer)

    published(nats_server, tmp_path, work)


def test_a_confirmation_confirms_and_where_nobody_listens_the_subject_is_named(
    nats_server: Nats, tmp_path: Path
) -> None:
    async def work(open_: Opening, client: Client) -> None:
        async def confirm(asked: Msg) -> None:
            await asked.respond(json.dumps({"stream": "S", "seq": 7, "duplicate": True}).encode())

        await client.subscribe("some.stream", cb=confirm)
        await client.flush()
        await (await (await open_("some.stream")).send(MESSAGE))
        with pytest.raises(DeliveryError, match=r"no stream of NATS has the subject 'a\.acme'"):
            await (await (await open_("a.{tenant}")).send(MESSAGE))

    published(nats_server, tmp_path, work)


def test_what_is_not_answered_in_time_fails_alone(
    nats_server: Nats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(open_: Opening, client: Client) -> None:
        asked: list[Msg] = []

        async def keep(got: Msg) -> None:
            asked.append(got)

        await client.subscribe("silent", cb=keep)
        await client.subscribe("slow", cb=keep)
        await client.flush()
        silent, slow = await open_("silent"), await open_("slow")
        monkeypatch.setattr(nats, "_PATIENCE_S", 0.1)
        unanswered = await silent.send(MESSAGE)
        monkeypatch.setattr(nats, "_PATIENCE_S", 60.0)
        awaited = await slow.send(MESSAGE)
        with pytest.raises(DeliveryError, match="did not confirm within"):
            await unanswered
        assert not awaited.done()
        while len(asked) < 2:
            await asyncio.sleep(0.01)
        for each in asked:
            await each.respond(b'{"stream": "S", "seq": 1}')
        await awaited

    published(nats_server, tmp_path, work)

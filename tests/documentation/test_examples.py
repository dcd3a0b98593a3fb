"""No example that is printed, documented or shown gets in another's way, whatever is sent first."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import httpx

from tests.conftest import SAMPLES
from tests.databases import Database
from tests.documentation.markdown import DOCUMENTS, commands_of
from tests.http.reading import KINDS, read_all
from tests.http.service import Service, on, roundbook
from tests.http.wire import EVENTS

CASINO_DAY = SAMPLES / "casino-day"
# What depends on what was sent before, and on the clock.
OF_THE_LOG = {"position", "received_at", "recorded_at"}

Rows = Counter[str]
"""What stands in a collection, each row written out."""


class Request(NamedTuple):
    """A request that a reader may send."""

    path: str
    body: bytes


def of_the_sample_day() -> Iterator[Request]:
    for batch in sorted(CASINO_DAY.glob("batch-*.json")):
        yield Request(EVENTS, batch.read_bytes())


def of_the_documents() -> Iterator[Request]:
    for document in DOCUMENTS:
        for commands in commands_of(document):
            for body in bodies_in(commands.text):
                yield Request(EVENTS, body)


def of_the_first_steps(service: Service) -> Iterator[Request]:
    """What `make run` says to send."""
    said = ""
    while "ask for the balance" not in said:
        said += service.line()
    for body in bodies_in(said):
        yield Request(EVENTS, body)


def of_the_openapi_document(service: Service) -> Iterator[Request]:
    document: Any = httpx.get(service.url + "/schema/openapi.json", timeout=60).json()
    for path, item in document["paths"].items():
        for operation in item.values():
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                yield Request(path, json.dumps(example["value"]).encode())


def of_a_simulation() -> Iterator[Request]:
    # Few players, so that each of those whom every simulation knows comes to play.
    asked = ("--events", "5000", "--players", "20", "--output", "-")
    written = roundbook("simulate", "any", *asked, settings={})
    for line in written.stdout.splitlines():
        yield Request(EVENTS, line.encode())


def bodies_in(text: str) -> Iterator[bytes]:
    """Find the batches in a text."""
    for match in re.finditer(r'\{"items"', text):
        batch, _ = json.JSONDecoder().raw_decode(text, match.start())
        yield json.dumps(batch).encode()


class Sender:
    """Sends the requests of some sources to a tenant of their own, and reads what stands there then."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._tenants = 0

    def send(self, *sources: Sequence[Request]) -> dict[str, Rows]:
        self._tenants += 1
        tenant = f"t{self._tenants}"
        self._service.new_tenant(tenant)
        key = self._service.new_key(tenant, "ingest", "read", "audit")
        last = 0
        with self._service.client(key) as client:
            for path, body in [request for source in sources for request in source]:
                answer = client.post(path, content=body)
                if answer.status_code != 422:  # a mistake that a document shows
                    answer.raise_for_status()
                    last = int(answer.headers["log-position"])
            return {
                kind: Counter(map(written_out, read_all(client, kind, at_least=last, limit=1000)))
                for kind in KINDS
            }


def written_out(row: Any) -> str:
    return repr(without(row, OF_THE_LOG))


def without(value: Any, names: set[str]) -> Any:
    match value:
        case dict():
            return {name: without(each, names) for name, each in value.items() if name not in names}
        case list():
            return [without(each, names) for each in value]
    return value


def sum_of(parts: Iterable[dict[str, Rows]]) -> dict[str, Rows]:
    whole = {kind: Rows() for kind in KINDS}
    for part in parts:
        for kind, rows in part.items():
            whole[kind] += rows
    return whole


def test_all_examples_together_give_what_each_gives_alone_in_any_order(
    fresh_database: Database, start: Callable[..., Service]
) -> None:
    service = start("--demo", settings=on(fresh_database))
    sources = {
        "the first steps": list(of_the_first_steps(service)),
        "the sample day": list(of_the_sample_day()),
        "README.md and docs": list(of_the_documents()),
        "the OpenAPI document": list(of_the_openapi_document(service)),
        "a simulation": list(of_a_simulation()),
    }
    assert all(sources.values())
    sender = Sender(service)
    parts = {name: sender.send(requests) for name, requests in sources.items()}
    for name in sources.keys() - {"the sample day", "a simulation"}:
        assert not parts[name]["conflicts"], name
    alone = sum_of(parts.values())

    names = list(sources)
    orders = [names[turn:] + names[:turn] for turn in range(len(names))]
    for order in [*orders, names[::-1]]:
        together = sender.send(*(sources[name] for name in order))
        for kind in KINDS:
            assert together[kind] - alone[kind] == alone[kind] - together[kind] == Rows(), order

"""The page about the Python client: its examples run one after the other, against a service."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import Database, new_database
from tests.docs.pages import page
from tests.http.service import Service, on, serving

CLIENTS = page("docs/clients.md")


@pytest.fixture
def service(admin_url: str, template: Database, tmp_path: Path) -> Iterator[Service]:
    with ExitStack() as stack:
        database = stack.enter_context(new_database(admin_url, template=template))
        yield stack.enter_context(serving(tmp_path, settings=on(database)))


def test_its_examples_do_what_the_page_says(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.new_tenant("acme")
    key = service.new_key("acme", "ingest", "read", "audit")
    names: dict[str, object] = {"url": service.url, "key": key, "folder": tmp_path / "spool"}
    told = []
    for example in CLIENTS.python():
        exec(compile(example, str(CLIENTS), "exec"), names)
        told.append(capsys.readouterr().out.splitlines())
    sending, asking, in_loop, options = told
    assert sending == ["2 stored, up to position 2"]
    assert asking == ["EUR 500.3", "2025-01-15 06:31:00+00:00 2"]
    assert in_loop == ["StQ-1", "1 deposit", "2 gameround", "3 login"]
    assert "None Counters(spooled=0" in options[0]

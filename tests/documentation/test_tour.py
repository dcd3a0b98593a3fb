"""What README.md and docs/tour.md let a reader paste works in the shells that readers have."""

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.databases import Database
from tests.documentation.markdown import DOCUMENTS, ROOT, TOUR, Commands, check_answer, commands_of
from tests.documentation.terminal import Shell, Terminal, Way
from tests.http.service import Service, on

SERVED_ON = "127.0.0.1:8000"
COMPLAINT = re.compile(r"^(?:bash|zsh|curl|make|Error): .*", re.MULTILINE)

Begin = Callable[[Shell, dict[str, str]], Terminal]


@pytest.fixture
def begin(tmp_path: Path) -> Begin:
    """A function that opens a shell in a folder that looks like the checkout, `.venv` included."""
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    for entry in ROOT.iterdir():
        if not entry.name.startswith("."):
            (checkout / entry.name).symlink_to(entry)
    (checkout / ".venv").symlink_to(sys.prefix)

    def opened(shell: Shell, settings: dict[str, str]) -> Terminal:
        environment = {"PATH": os.environ["PATH"], **settings}
        return Terminal(shell, checkout, tmp_path / "answers", environment)

    return opened


def blocks(*, of_make: bool) -> list[tuple[str, Commands]]:
    """The blocks of what readers follow: those that call make, or all others."""
    return [
        (document.name, commands)
        for document in TOUR
        for commands in commands_of(document)
        if commands.text.startswith("make ") == of_make
    ]


def first_steps(service: Service) -> Iterator[tuple[str, Commands]]:
    """The commands that `make run` shows, indented, and what they are to print."""
    for language, answer in (
        ("text", "HTTP/1.1 204 No Content\n…\nevents-stored: 1\n…\n\n"),
        ("json", '{"items": [{"player_id": "ada", "real": "25"}], "next_cursor": null}'),
    ):
        line = ""
        while not line.startswith("  curl "):
            line = service.line()
        yield "make run", Commands(line.lstrip(), language, answer)


@pytest.mark.parametrize("way", ["in brackets", "as if typed"])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_every_block_can_be_pasted_and_prints_what_is_shown(
    begin: Begin, fresh_database: Database, start: Callable[..., Service], shell: Shell, way: Way
) -> None:
    service = start("--demo", settings=on(fresh_database))
    host, port = service.address
    pasted = blocks(of_make=False)
    assert {name for name, _ in pasted} == {"README.md", "tour.md"}
    with begin(shell, on(fresh_database)) as terminal:
        for _, commands in [*first_steps(service), *pasted]:
            done = terminal.paste(commands.text.replace(SERVED_ON, f"{host}:{port}"), way)
            assert done.status == 0, done.screen
            assert not COMPLAINT.findall(done.screen)
            check_answer(commands, done.printed.replace("\r\n", "\n"))


@pytest.mark.parametrize("way", ["in brackets", "as if typed"])
@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_every_block_of_make_names_targets_that_there_are(
    begin: Begin, shell: Shell, way: Way
) -> None:
    """What starts a service or this suite is only shown by make, not done."""
    pasted = blocks(of_make=True)
    assert {"make run\n", "make test\n"} <= {commands.text for _, commands in pasted}
    with begin(shell, {"MAKEFLAGS": "n"}) as terminal:
        for _, commands in pasted:
            done = terminal.paste(commands.text, way)
            assert done.status == 0, done.screen
            assert not COMPLAINT.findall(done.screen)
            assert ".venv/bin/" in done.printed


def test_no_block_holds_what_a_shell_may_not_take() -> None:
    """Interactive zsh knows no comments, and not every locale has every letter."""
    for document in DOCUMENTS:
        for commands in commands_of(document):
            assert not re.search(r"(^|\s)#", commands.text), document.name
    for name, commands in [*blocks(of_make=False), *blocks(of_make=True)]:
        assert commands.text.isascii(), name

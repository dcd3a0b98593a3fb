"""Blocks of the documentation, and whether an answer is the one that they show.

A text shows an answer line by line, `…` for anything, a line of it alone for any lines. JSON shows the
members that matter, `"…"` for any value, and as the last of a list for any more elements.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
DOCUMENTS = (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
TOUR = (ROOT / "README.md", ROOT / "docs" / "tour.md")

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANYTHING = "…"


class Commands(NamedTuple):
    """Commands that a reader pastes, and what they are to print, in the language of its block."""

    text: str
    language: str
    answer: str


def commands_of(document: Path) -> Iterator[Commands]:
    """Give the `sh` blocks of a document, each with the block of its answer if it has one."""
    blocks = [(match[1], match[2]) for match in _BLOCK.finditer(document.read_text("utf-8"))]
    for (language, text), (kind, answer) in pairwise([*blocks, ("", "")]):
        if language == "sh":
            shown = kind in {"json", "text"}
            yield Commands(text, kind if shown else "", answer if shown else "")


def check_answer(commands: Commands, printed: str) -> None:
    """Fail unless commands printed what is shown, every line of it to its end."""
    assert not printed or printed.endswith("\n"), printed[-100:]
    if commands.language == "json":
        shown, got = list(values(commands.answer)), list(values(printed))
        assert len(shown) == len(got), printed
        for wanted, value in zip(shown, got, strict=True):
            check_value(wanted, value, "")
    elif commands.language == "text":
        assert re.fullmatch("".join(map(_pattern, commands.answer.splitlines())), printed), printed
    else:
        assert printed == ""


def _pattern(line: str) -> str:
    if line == _ANYTHING:
        return r"(?:.*\n)*?"
    return re.escape(line).replace(_ANYTHING, ".*") + r"\n"


def values(text: str) -> Iterator[Any]:
    """Read JSON texts that follow each other."""
    decoder, at = json.JSONDecoder(parse_float=Decimal), 0
    while at < len(text.rstrip()):
        value, at = decoder.raw_decode(text, at + len(text[at:]) - len(text[at:].lstrip()))
        yield value


def check_value(shown: Any, got: Any, where: str) -> None:
    """Fail unless `got` has all that is shown; `where` is a JSON pointer."""
    if shown == _ANYTHING:
        return
    assert type(shown) is type(got), where
    if isinstance(shown, dict):
        for name, value in shown.items():
            assert name in got, f"{where}/{name}"
            check_value(value, got[name], f"{where}/{name}")
    elif isinstance(shown, list):
        if shown[-1:] == [_ANYTHING]:
            shown, got = shown[:-1], got[: len(shown) - 1]
        assert len(shown) == len(got), where
        for number, (value, element) in enumerate(zip(shown, got, strict=True)):
            check_value(value, element, f"{where}/{number}")
    else:
        assert shown == got, where

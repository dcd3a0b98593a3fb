"""Results as they are kept: tables of plain numbers, which can be printed again at any time."""

from pathlib import Path

import msgspec
from msgspec import Struct

FOLDER = Path(__file__).with_name("results")


class Column(Struct, frozen=True):
    """`decimals` are the digits after the point of its numbers."""

    title: str
    decimals: int = 0


class Table(Struct, frozen=True):
    """`about` says how it was measured. The first cell of a row is its name; null is an empty cell."""

    title: str
    about: str
    columns: list[Column]
    rows: list[list[str | float | None]]


class Run(Struct, frozen=True):
    """One run. `rounds` has the single measurements behind medians, by table, row and unit."""

    began_at: str
    took_s: float
    options: dict[str, str]
    machine: dict[str, str]
    settings: dict[str, str]
    tables: list[Table]
    rounds: dict[str, list[float]]


def save(run: Run) -> Path:
    """Write a run as JSON, under its time, and again as the latest."""
    FOLDER.mkdir(exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(run), indent=1)
    path = FOLDER / f"{run.began_at.replace(':', '')}.json"
    for each in (path, FOLDER / "latest.json"):
        each.write_bytes(text + b"\n")
    return path


def load(path: Path) -> Run:
    """Read a run that was saved."""
    return msgspec.json.decode(path.read_bytes(), type=Run)

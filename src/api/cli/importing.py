"""`roundbook import`: files of items, to a running service."""

import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import click
import httpx
from rich.console import Console
from rich.progress import Progress

from api.cli.import_files import (
    FORMATS,
    MOST_BYTES,
    Columns,
    Format,
    Record,
    UnreadableFileError,
    read_records,
)
from api.cli.import_progress import Mark, Marks
from api.cli.sending import SendingError, check_key, ingest_key, open_client, post, sends
from domain.item_types import ITEM_TYPES

_LABEL = "roundbook import"
_PREFER = {"prefer": "handling=lenient, return=representation"}
_RECORDED = ("stored", "duplicate", "conflict")


class ImportingError(click.ClickException):
    """Not all of what the files hold was recorded."""


def _mapping(
    _context: click.Context, _option: click.Parameter, pairs: Sequence[str]
) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        column, is_given, member = pair.partition("=")
        if not (column and is_given and member):
            raise click.BadParameter(f"{pair!r} is not column=member")
        if column in found:
            raise click.BadParameter(f"{column!r} is given twice")
        found[column] = member
    return found


@click.command("import")
@click.argument("tenant")
@click.argument(
    "files",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE...",
)
@click.option(
    "--map",
    "members",
    multiple=True,
    callback=_mapping,
    metavar="COLUMN=MEMBER",
    help="What a column of CSV is as a member of `data`, or as `event`; else its own name says it.",
)
@click.option(
    "--event", type=click.Choice(list(ITEM_TYPES)), help="What rows of CSV are that don't say it."
)
@click.option(
    "--format",
    "of_format",
    type=click.Choice(["ndjson", "json", "csv"]),
    help="How the files are written; else the endings of their names tell.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would become of it; record nothing.")
@sends
def import_command(  # noqa: PLR0913 (one argument for each option)
    tenant: str,
    files: tuple[Path, ...],
    *,
    members: dict[str, str],
    event: str | None,
    of_format: Format | None,
    dry_run: bool,
    batch: int,
    url: str,
    key: str | None,
) -> None:
    """Send what FILEs hold to a running service, for TENANT: NDJSON, JSON or CSV.

    A line of NDJSON is an item, {"event": ..., "data": {...}}; JSON is an array of items, or a batch; a row
    of CSV is one too, its columns named by the header. Of a faulty line all faults are named, and
    what is valid is recorded: mend the others, and import the file again. What is there already is not
    recorded twice.

    An import that was broken off goes on where it stood when it is asked for in the same way: beside each
    FILE stands until its end FILE.importing.

    Prints how many items were stored, repeated, in conflict and invalid. The exit status is 1 where there
    were invalid ones, or a FILE that can't be read.
    """
    check_key(tenant, key)
    formats = {file: of_format or FORMATS.get(file.suffix.lower()) for file in files}
    if unknown := [str(file) for file, found in formats.items() if found is None]:
        raise click.UsageError(f"say by --format how {', '.join(unknown)} is written")
    columns = Columns(members, event)
    asked = (url, tenant, key, members, event)
    with ingest_key(tenant, key, _LABEL) as own_key, open_client(url, own_key) as client:
        run = _Import(client, asked, columns, batch, dry_run=dry_run)
        with run.progress:
            for file, found in formats.items():
                run.take(file, found or "ndjson")
    run.tell()


class _Import:
    """An import on its way: what came of it so far, and where it is shown."""

    def __init__(
        self, client: httpx.Client, asked: object, columns: Columns, batch: int, *, dry_run: bool
    ) -> None:
        self._client = client
        self._asked = asked
        self._is_kept = not dry_run
        self._unread: list[str] = []
        self._columns = columns
        self._batch = batch
        self._path = "/api/v1/events/check" if dry_run else "/api/v1/events"
        self._counts: Counter[str] = Counter()
        self._started = time.monotonic()
        self._console = Console(stderr=True, highlight=False, soft_wrap=True, markup=False)
        is_shown = self._console.is_terminal
        self.progress = Progress(console=self._console, transient=True, disable=not is_shown)

    def take(self, file: Path, of_format: Format) -> None:
        """Send what a file holds, after what was sent of it before. Raises SendingError."""
        try:
            with file.open("rb") as opened:
                self._take(file, opened, of_format)
        except (UnreadableFileError, OSError) as error:
            self._unread.append(str(file))
            why = f"can't be read: {error.strerror}" if isinstance(error, OSError) else error
            self._say(f"{file} {why}")

    def _take(self, file: Path, opened: BinaryIO, of_format: Format) -> None:
        told = os.fstat(opened.fileno())
        marks = Marks(file, told, (self._asked, of_format), needed=self._is_kept)
        before = mark = marks.find()
        self._counts["invalid"] += mark.invalid
        task = self.progress.add_task(file.name, total=max(1, told.st_size))
        try:
            for some in _batches(read_records(opened, of_format, self._columns), self._batch):
                left = some[max(0, mark.records - some[0].number + 1) :]
                if left:
                    invalid = self._send(file, [each.record for each in left])
                    mark = Mark(left[-1].number, mark.invalid + invalid)
                    marks.keep(mark)
                self.progress.update(task, completed=some[-1].record.end)
        except (SendingError, KeyboardInterrupt):
            if mark != before:
                self._say(
                    f"{file}: {mark.records:,} items are done; the same command goes on there"
                )
            raise
        marks.forget()

    def tell(self) -> None:
        """Print what came of it. Raises ImportingError where something is invalid, or can't be read."""
        counts = {name: self._counts[name] for name in (*_RECORDED, "invalid")}
        told = ", ".join(f"{count} {name}" for name, count in counts.items())
        elapsed_s = max(time.monotonic() - self._started, 0.001)
        click.echo(f"{told}; {sum(counts.values()) / elapsed_s:.0f} items/s")
        wrong = [f"{counts['invalid']:,} items are invalid"] if counts["invalid"] else []
        wrong += [f"{file} can't be read" for file in self._unread]
        if wrong:
            raise ImportingError(", ".join(wrong))

    def _send(self, file: Path, records: Sequence[Record]) -> int:
        """Send records, and say what is wrong with which; gives how many are invalid."""
        invalid_before = self._counts["invalid"]
        sent = [record for record in records if record.fault is None]
        items: Iterator[dict[str, Any]] = iter(())
        if sent:
            body = b'{"items":[' + b",".join(record.text for record in sent) + b"]}"
            items = iter(post(self._client, self._path, body, _PREFER).json()["items"])
        for record in records:
            if record.fault is None:
                self._item(file, record.line, next(items))
            else:
                self._fault(file, record.line, record.fault)
        return self._counts["invalid"] - invalid_before

    def _item(self, file: Path, line: int, item: dict[str, Any]) -> None:
        outcome = item["outcome"]
        if outcome != "invalid":
            self._counts[outcome] += 1
        if outcome == "conflict":
            where = f"other content is recorded under {json.dumps(item['unique_id'])}"
            self._say(f"{file}:{line}: conflict: {where} at position {item['position']}")
        elif outcome == "invalid":
            faults = [
                f"{_below(fault['pointer'])} {fault['detail']} ({fault['code']})".lstrip()
                for fault in item["faults"]
            ]
            self._fault(file, line, *faults)

    def _fault(self, file: Path, line: int, *faults: str) -> None:
        self._counts["invalid"] += 1
        for fault in faults:
            self._say(f"{file}:{line}: {fault}")

    def _say(self, text: str) -> None:
        self._console.print(text)


class _Numbered(NamedTuple):
    """A record of a file and which it is, counted from 1."""

    number: int
    record: Record


def _batches(records: Iterable[Record], most: int) -> Iterator[list[_Numbered]]:
    """Group records into what is sent at once; what is read before an error comes before it."""
    some: list[_Numbered] = []
    size_bytes = 0
    try:
        for number, record in enumerate(records, 1):
            if len(some) == most or (some and size_bytes + len(record.text) > MOST_BYTES):
                yield some
                some, size_bytes = [], 0
            some.append(_Numbered(number, record))
            size_bytes += len(record.text)
    except (UnreadableFileError, OSError):
        if some:
            yield some
        raise
    if some:
        yield some


def _below(pointer: str) -> str:
    """Take the place in the batch off a pointer: nobody knows it but us."""
    return "/" + "/".join(pointer.split("/")[3:]) if pointer.count("/") > 2 else ""

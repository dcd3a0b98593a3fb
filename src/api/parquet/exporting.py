"""Adding to the export of a tenant: all of it as it is at one moment of the read models."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from msgspec.structs import replace

from api.parquet.folder import ExportedFile, ExportError, Folder, Manifest
from api.parquet.tables import DAY, KINDS, TableKind, as_of, read_rows
from app.log.append import read_head
from app.log.histories import readers_id
from app.tenants import Tenant
from postgres.connections import Connection
from projections.exporting import (
    Name,
    copy_out,
    erased_since,
    keep_long,
)
from projections.models.registry import code_versions
from projections.reading import Snapshot, see

_ROWS_AT_ONCE = 200_000
_BYTES_AT_ONCE = 128 * 1024 * 1024


class Added(NamedTuple):
    """What was added to a table: up to which position it goes now, and how much it was."""

    table: str
    position: int
    rows: int
    files: int


def export(
    connection: Connection,
    tenant: Tenant,
    folder: Folder,
    names: Sequence[Name] | None,
    *,
    after: int | None,
) -> Iterator[Added]:
    """Add what is new since the last run, or what is after a position in the first one, table by table.

    Tables that are named, or those that are there, or all.

    What a run leaves that is killed is whole up to where its manifest says, and the next one goes on from
    there. Raises ExportError, OSError, and psycopg.Error.
    """
    with folder.locked(), connection.transaction():
        known = folder.read()
        if known is not None:
            if after is not None:
                raise ExportError(
                    f"{folder.path} says after which position it goes on: leave out --after"
                )
            folder.check_there(known)
        seen = _see(connection, tenant)
        manifest = _manifest(seen, tenant, known, names, after or 0)
        folder.remove_unnamed(known)
        run = _Run(seen, folder, manifest)
        folder.save(manifest)
        for name in KINDS:
            if name in (names or manifest.positions):
                yield run.add(name)


class _Run:
    """One run: what it adds, and the manifest as it is by then."""

    def __init__(self, seen: Snapshot, folder: Folder, manifest: Manifest) -> None:
        self._seen = seen
        self._folder = folder
        self._manifest = manifest

    def add(self, name: Name) -> Added:
        """Add to a table."""
        kind, until = KINDS[name], self._seen.position
        after, before = self._manifest.positions[name], len(self._manifest.files)
        rows = 0
        if after < until:
            lines = copy_out(self._seen, name, after=after, until=until)
            for number, held in enumerate(_pieces(lines)):
                files, position = self._write(name, kind, held, number)
                rows += sum(each.rows for each in files)
                self._note(files, {name: position} if kind.is_added_to else {})
            self._note([], {name: until})
            self._folder.save(self._manifest)
        return Added(name, until, rows, len(self._manifest.files) - before)

    def _write(
        self, name: Name, kind: TableKind, lines: Sequence[bytes], number: int
    ) -> tuple[list[ExportedFile], int]:
        """Write lines into a file of each day; gives the position of the last one, if lines have one."""
        try:
            table = read_rows(kind, lines, self._seen.days)
        except pa.ArrowInvalid as error:
            raise ExportError(f"a row of {name} does not fit into its columns: {error}") from error
        position = self._seen.position
        if kind.is_added_to:
            number, position = table["position"][0].as_py(), table["position"][-1].as_py()
        else:
            table = as_of(table, position)
        file_name = f"{name}-{position:015d}-{number:015d}.parquet"
        files = [self._folder.write(file_name, name, day, rows) for day, rows in _by_day(table)]
        return files, position

    def _note(self, files: Sequence[ExportedFile], positions: dict[str, int]) -> None:
        """Note what was written; on the disk where that leaves a table whole up to a position."""
        known = self._manifest
        self._manifest = replace(
            known,
            files=[*known.files, *files],
            positions=known.positions | positions,
            written_at=datetime.now(UTC),
        )
        if files and positions:
            self._folder.save(self._manifest)


def _see(connection: Connection, tenant: Tenant) -> Snapshot:
    seen = see(connection, tenant.tenant_id)
    keep_long(seen)
    return seen


def _manifest(
    seen: Snapshot, tenant: Tenant, known: Manifest | None, names: Iterable[str] | None, after: int
) -> Manifest:
    """Return the manifest to add to. Raises ExportError where what is there can't be added to."""
    connection, tenant_id = seen.connection, tenant.tenant_id
    log_id = readers_id(connection, tenant_id, read_head(connection, tenant_id).log_id).hex()
    rule, versions = seen.days.rule, dict(code_versions())
    day = (rule.time_zone, rule.starts_at)
    names = names or (known.positions if known else KINDS)
    if known is None:
        if after > seen.position:
            raise ExportError(f"the read models of {tenant.name} end at position {seen.position}")
        return Manifest(
            "roundbook-parquet/1",
            tenant.name,
            log_id,
            *day,
            versions,
            after,
            dict.fromkeys(names, after),
            datetime.now(UTC),
            [],
        )
    changes = {
        f"it is of {known.tenant}": known.tenant != tenant.name,
        "it is of another log, as it is after a restore": known.log_id != log_id,
        "the days began otherwise": (known.time_zone, known.day_starts) != day,
        "its read models are of another version": known.versions != versions,
    }
    least = min(known.positions.values())
    erased = erased_since(seen, least)
    changes["what was erased since is still in it; remove it"] = erased is not None
    for change, is_so in changes.items():
        if is_so:
            raise ExportError(
                f"this export can't be added to: {change}. Export into another folder"
            )
    new = {name: known.after for name in names if name not in known.positions}
    return replace(known, positions=known.positions | new)


def _pieces(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Take lines together, so many or so long as are held at once."""
    held: list[bytes] = []
    size = 0
    for line in lines:
        held.append(line)
        size += len(line)
        if len(held) == _ROWS_AT_ONCE or size >= _BYTES_AT_ONCE:
            yield held
            held, size = [], 0
    if held:
        yield held


def _by_day(table: pa.Table) -> Iterator[tuple[date, pa.Table]]:
    """Take a table apart by its day, rows in their order."""
    days = table[DAY]
    rows = table.drop_columns([DAY])
    for day in sorted(pc.unique(days).to_pylist()):
        yield day, rows.filter(pc.equal(days, day))

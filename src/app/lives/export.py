"""All that is kept of a tenant, in a file that others can read: docs/tenants.md says what is in it.

It is written in constant memory, by short reads of what is only ever added to.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Literal

from msgspec import Struct, json
from psycopg import sql

from app.evidence.bundle import Bundle, BundleOf
from app.evidence.proving import NotSealedError
from app.evidence.zip_stream import ZipStream
from app.limits.limits import Limit, list_limits
from app.log.append import read_head
from app.log.committed import committed_events
from app.tenants import Key, Tenant, check_there, list_keys
from domain.evidence.bundles import event_line
from postgres.connections import Pool

# In which order rows are written: that of their primary keys, behind the tenant.
_TABLES: Mapping[str, tuple[str, ...]] = {
    "accesses": ("number",),
    "anchors": ("log_number", "tree", "target", "size"),
    "checkpoints": ("log_number", "tree", "size"),
    "closings": ("number",),
    "conflicts": ("number",),
    "day_rules": ("number",),
    "erased": ("position",),
    "erased_conflicts": ("number",),
    "head_statements": ("log_number", "n"),
    "holds": ("number",),
    "log_keys": ("log_number", "number"),
    "logs": ("number",),
    "refused_items": ("received_at", "content_hash"),
    "subscriptions": ("name",),
}


class MissingEventsError(Exception):
    """Events that the log had are not there."""


class Exported(Struct, frozen=True):
    """What an export is of. `sealed` is the size of the log in `evidence.zip`, 0 where there is none.

    `last_position` is that of the last event in the export. Of API keys there are no hashes.
    """

    format: Literal["roundbook-export/1"]
    tenant: Tenant
    exported_at: datetime
    log_id: str
    last_position: int
    sealed: int
    keys: list[Key]
    rate_limits: list[Limit]


class Export:
    """An export that is about to be written."""

    def __init__(self, pool: Pool, tenant: Tenant) -> None:
        """Choose up to which event it goes.

        Raises as `app.evidence.bundle.Bundle` does, but for NotSealedError.
        """
        self._pool = pool
        try:
            self._bundle: Bundle | None = Bundle(pool, tenant.tenant_id, BundleOf())
        except NotSealedError:
            self._bundle = None
        with pool.connection() as connection:
            log = read_head(connection, tenant.tenant_id)
            self.about = Exported(
                "roundbook-export/1",
                tenant,
                datetime.now(UTC),
                log.log_id.hex(),
                log.position,
                self._bundle.manifest.size if self._bundle else 0,
                list_keys(connection, tenant),
                list_limits(connection, tenant.tenant_id),
            )

    def pieces(self) -> Iterator[bytes]:
        """Yield the zip.

        Raises what `app.evidence.bundle.Bundle.pieces` raises, MissingEventsError where events after those
        that are sealed are gone, and psycopg.Error.
        """
        zip_stream = ZipStream()
        try:
            yield from self._members(zip_stream)
        except MissingEventsError:
            self._check_tenant()
            raise
        self._check_tenant()
        yield zip_stream.end()

    def _members(self, zip_stream: ZipStream) -> Iterator[bytes]:
        about = self.about
        yield from zip_stream.member("tenant.json", [json.format(json.encode(about)), b"\n"])
        if self._bundle is not None:
            bundle = self._bundle.pieces()
            yield from zip_stream.member("evidence.zip", bundle, compressed=False)
        yield from zip_stream.member("tail.ndjson", self._tail())
        for table, order in _TABLES.items():
            yield from zip_stream.member(f"{table}.ndjson", self._rows(table, order))

    def _check_tenant(self) -> None:
        with self._pool.connection() as connection:
            check_there(connection, self.about.tenant.tenant_id)

    def _tail(self) -> Iterator[bytes]:
        """Write the events after those in the bundle."""
        about = self.about
        tenant_id, first = about.tenant.tenant_id, about.sealed + 1
        missing = about.last_position - about.sealed
        for events in committed_events(self._pool, tenant_id, first, about.last_position):
            missing -= len(events)
            yield from map(event_line, events)
        # Nothing else would tell: no proof is of these.
        if missing > 0:
            raise MissingEventsError(
                f"of the events at positions {first} to {about.last_position}, {missing} are not there:"
                " `roundbook verify` says more"
            )

    def _rows(self, table: str, order: tuple[str, ...]) -> Iterator[bytes]:
        """Write the rows of a table, as PostgreSQL writes them in JSON, as they come."""
        query = sql.SQL(
            "copy (select (to_jsonb(t) - 'tenant_id' - 'xid')::text from roundbook.{table} t"
            " where t.tenant_id = {tenant} order by {order}) to stdout"
        ).format(
            table=sql.Identifier(table),
            tenant=sql.Literal(self.about.tenant.tenant_id),
            order=sql.SQL(", ").join(map(sql.Identifier, order)),
        )
        with (
            self._pool.connection() as connection,
            connection.cursor() as cursor,
            cursor.copy(query) as rows,
        ):
            rows.set_types(["text"])
            for (line,) in rows.rows():
                yield f"{line}\n".encode()

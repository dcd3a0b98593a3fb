"""A log that is sealed, signed and anchored, and who changes it: a superuser of its database."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg.conninfo import make_conninfo

from app.evidence.anchors.files import FileAnchor
from app.evidence.bundle import Bundle, BundleOf
from app.evidence.keys import read_key
from app.evidence.sealer import Sealer
from app.evidence.store import newest_checkpoint
from app.evidence.verification.asking import Asked, Outcome
from app.evidence.verification.verify import verify_log
from app.log.leaves import Log, hash_events, read_leaf_hashes
from app.settings import Settings
from app.tenants import Tenant
from domain.evidence.anchoring import AnchorSpec
from domain.evidence.merkle import Edge
from domain.evidence.notes import parse_note
from postgres.connections import Connection, Pool, connect, open_pool
from tests import clusters
from tests.databases import Database
from tests.evidence.auditor import judged
from tests.evidence.filling import fill, items
from tests.logs import with_key

# By functions that a cluster takes in an UPDATE.
ALTER_AMOUNT: LiteralString = (
    "update events set state = decode(replace(encode(state, 'escape'), '59.23', '159.23'), 'escape')"
    " where tenant_id = %(tenant_id)s and position = %(at)s"
)
RESTORE_AMOUNT: LiteralString = (
    "update events set state = decode(replace(encode(state, 'escape'), '159.23', '59.23'), 'escape')"
    " where tenant_id = %(tenant_id)s and position = %(at)s"
)


class Case(NamedTuple):
    """A tenant's log, its keys and its anchors."""

    database: Database
    tenant: Tenant
    log: Log
    settings: Settings
    anchors: Path

    def verify(self, *, anchored: bool = False, **more: Any) -> Outcome:
        """Verify as the role that serves."""
        anchors = self.anchors if anchored else None
        asked = Asked(self.database.service_url, self.log, self.settings, anchors, **more)
        return verify_log(asked)

    def found(self, *, anchored: bool = False, **more: Any) -> list[str]:
        """Verify, and return position and code of each finding."""
        return [
            str(finding).partition(":")[0]
            for finding in self.verify(anchored=anchored, **more).findings
        ]

    def judged(self, *more: str) -> list[str]:
        """Let the auditor's own verifier judge a bundle of the whole log, taken now; as `found` gives it."""
        bundle = self.anchors.parent / "bundle.zip"
        with open_pool(self.database.service_url, max_size=1) as pool:
            pieces = Bundle(pool, self.tenant.tenant_id, BundleOf()).pieces()
            bundle.write_bytes(b"".join(pieces))
        [vkey] = self.settings.signing_path.glob("*.key")
        verdict = judged(bundle, read_key(vkey).vkey, *more)
        assert verdict.status == (1 if verdict.findings else 0)
        return [
            f"{first} {code}" if first == last else f"{first}-{last} {code}"
            for first, last, code in verdict.findings
        ]

    def tamper(self, *statements: LiteralString, **parameters: Any) -> None:
        """Change what must not be changed, as a superuser, for whom triggers don't fire."""
        with superuser(self.database) as connection, connection.transaction():
            for statement in statements:
                connection.execute(statement, {"tenant_id": self.tenant.tenant_id, **parameters})


@contextmanager
def superuser(database: Database) -> Iterator[psycopg.Connection]:
    """Connect to a database as a superuser who has disabled the triggers."""
    name = psycopg.conninfo.conninfo_to_dict(database.owner_url)["dbname"]
    url = make_conninfo(database.admin_url, dbname=name)
    clusters.open_walls(database.admin_url, str(name))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")
        connection.execute("set search_path = roundbook")
        yield connection


def change_past_triggers(owner: Connection, table: str, *changes: str) -> None:
    """Change what nobody may, as the owner of a table can, who disables its triggers.

    One statement after the other: of a text with several, Citus sends all of them to the nodes for each.
    """
    triggers = f"alter table {table} {{}} trigger user"
    for statement in (triggers.format("disable"), *changes, triggers.format("enable")):
        owner.execute(statement.encode())


def build(
    pool: Pool,
    database: Database,
    tenant: Tenant,
    folder: Path,
    sizes: Sequence[int],
    *,
    players: int = 300,
) -> Case:
    """Fill a tenant's log; at each of the sizes it is sealed and anchored."""
    settings = Settings(signing_keys=str(folder / "keys"))
    with pool.connection() as connection:
        log = with_key(connection, tenant.tenant_id, settings)
    case = Case(database, tenant, log, settings, folder / "anchors.ndjson")
    grow(pool, case, sizes, players=players)
    return case


def grow(
    pool: Pool, case: Case, sizes: Sequence[int], begin: int = 0, *, players: int = 300
) -> None:
    """Record more, from the size `begin` on; at each of the sizes the log is sealed and anchored."""
    source = items(players=players, first=begin)
    for size in sizes:
        fill(pool, case.tenant.tenant_id, source, size - begin)
        begin = size
        assert seal(pool, case) == size


def seal(pool: Pool, case: Case) -> int:
    """Seal and anchor all that is recorded; gives the size of the checkpoint."""
    sealer = Sealer(pool, case.settings)
    while sealer.seal(case.log):
        pass
    with pool.connection() as connection:
        sealed = newest_checkpoint(connection, case.log, "log")
    assert sealed is not None
    anchor = FileAnchor(AnchorSpec("file", str(case.anchors), 0))
    anchor.anchor(parse_note(sealed.note.encode()), lambda _: [])
    return sealed.size


def made_hash(case: Case, position: int) -> bytes:
    """Return the leaf hash that an event has as it is now."""
    with connect(case.database.service_url) as connection:
        return hash_events(connection, case.log, position, position)


def remake_tiles(case: Case) -> None:
    """Make the tiles anew from the leaf hashes that are recorded now."""
    with connect(case.database.service_url) as connection:
        sealed = newest_checkpoint(connection, case.log, "log")
        assert sealed is not None
        hashes = read_leaf_hashes(connection, case.log, 1, sealed.size)
    case.tamper("delete from tiles where tenant_id = %(tenant_id)s")
    for stretch in Edge().append(hashes):
        case.tamper(
            "insert into tiles values (%(tenant_id)s, %(number)s, 'log', %(level)s, %(first)s, %(hashes)s)",
            number=case.log.number,
            **stretch._asdict(),
        )

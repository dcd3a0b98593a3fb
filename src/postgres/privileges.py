"""What the role that serves must not be able to do: more than add to the log."""

from typing import NamedTuple

from postgres.connections import Connection, connect
from postgres.distribution import is_cluster
from postgres.migrate import REMEDY, MigrationError
from postgres.rows import fetch_all
from postgres.statements import Statement, Statements

_APPEND_ONLY_TABLES = ("events", "conflicts", "accesses")

_WRITTEN_BY_FUNCTIONS_ALONE = (
    *("accesses", "api_keys", "conflicts", "key_uses", "leaf_runs", "logs"),
    *("tenant_currencies", "tenants"),
)
# What functions do with their owner's rights is another session on a node, and not of the same transaction.
_WRITTEN_ON_CLUSTERS = {"conflicts", "leaf_runs", "logs"}
_HIDDEN = ("api_keys",)


class Sql(Statements):
    """Asking what the role of a session may do."""

    owns_schema: Statement
    may_change: Statement
    needless: Statement
    no_large_objects: Statement


SQL = Sql(__file__)


class TooMuchPrivilegeError(Exception):
    """The service's credential may change the log; it must only be able to add to it."""


class Needless(NamedTuple):
    """What the service's role may do and needs not (`make large objects`), and what takes that away."""

    may: str
    remedy: str


def check_service_privileges(service_url: str) -> None:
    """Make sure that the service's own credential can't alter the log, nor become someone who can.

    Raises TooMuchPrivilegeError that says which table it could change.
    """
    with connect(service_url) as service:
        for table in _APPEND_ONLY_TABLES:
            found = service.execute(SQL.may_change.sql, {"table": table}).fetchone()
            if found is None:
                raise MigrationError(f"the table roundbook.{table} is missing: {REMEDY}")
            if found[0]:
                raise TooMuchPrivilegeError(
                    f"the role {service.info.user!r} of ROUNDBOOK_DATABASE_URL can change"
                    f" roundbook.{table}; give the service a role of its own, not the owner"
                )


def needless_privileges(service: Connection) -> list[Needless]:
    """List what the role of a session may do and a service needs not; nothing where all is as it should be.

    None of it changes what is recorded: it is for whoever would fill the disk, or add what looks recorded.
    """
    alone = set(_WRITTEN_BY_FUNCTIONS_ALONE)
    if is_cluster(service):
        alone -= _WRITTEN_ON_CLUSTERS
    tables = {"functions_alone": sorted(alone), "hidden": list(_HIDDEN)}
    return fetch_all(service, SQL.needless, tables, Needless)


def owns_schema(service_url: str) -> bool:
    """Return whether the role of a URL is the owner of the schema. Raises psycopg.Error."""
    with connect(service_url) as service:
        return service.execute(SQL.owns_schema.sql).fetchone() == (True,)

"""`roundbook evidence attest`: a statement of a log's heads, now."""

import time

import click

from api.process.store import open_service
from app.evidence.attesting import attest
from app.evidence.guard import BusyError
from app.evidence.head_store import Stated
from app.evidence.sealer import Sealer, failure_of
from app.evidence.store import newest_checkpoint
from app.log.append import head
from app.log.leaves import Log, current_log
from app.settings import Settings, read_settings
from app.tenants import find_tenant
from postgres.connections import Connection, Pool, open_pool

_PATIENCE_S = 60.0
_PAUSE_S = 0.1


class UnsealedError(click.ClickException):
    """Somebody else seals the log, and does not come to an end."""


@click.command("attest")
@click.argument("tenant")
def attest_command(tenant: str) -> None:
    """State which event of each stream in the log of TENANT is the last one, and sign that.

    All that is recorded is sealed first. The statement is a leaf of a log of its own, which is printed as
    it is signed; its proofs are given at /api/v1/evidence/heads and in bundles. Needs the keys
    (ROUNDBOOK_SIGNING_KEYS, or ROUNDBOOK_SIGN_COMMAND). A log that has not grown since its last statement
    gets no new one.
    """
    settings = read_settings()
    with open_service(settings) as url, open_pool(url, max_size=2) as pool:
        with pool.connection() as connection:
            tenant_id = find_tenant(connection, tenant).tenant_id
            log, until = current_log(connection, tenant_id), head(connection, tenant_id)
        if log is None or not until:
            click.echo("nothing is stated: the log is empty", err=True)
            return
        seal_up_to(pool, Sealer(pool, settings), log, until)
        with pool.connection() as connection:
            stated = _attest(connection, log, settings)
            signed = newest_checkpoint(connection, log, "heads")
    if stated is not None and signed is not None:
        statement = stated.parsed
        click.echo(
            f"statement {stated.n}: {statement.streams} streams in {statement.size} events",
            err=True,
        )
        click.echo(signed.note, nl=False)


def _attest(connection: Connection, log: Log, settings: Settings) -> Stated | None:
    """State the heads, after who is at it. Raises as `attest` does."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            return attest(connection, log, settings)
        except BusyError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_PAUSE_S)


def seal_up_to(pool: Pool, sealer: Sealer, log: Log, until: int) -> None:
    """Seal a log up to a position, or wait until who is at it has done that. Raises as `Sealer.seal` does.

    Raises UnsealedError where somebody else is at it for long, and nothing comes of it.
    """
    last_s, sealed = time.monotonic(), -1
    while True:
        with pool.connection() as connection:
            newest = newest_checkpoint(connection, log, "log")
        size = newest.size if newest else 0
        if size >= until:
            return
        if size > sealed:
            last_s, sealed = time.monotonic(), size
        elif time.monotonic() - last_s > _PATIENCE_S:
            # Another one's failure, who may lack a key that is here: said only where that never lets go.
            with pool.connection() as connection:
                failure = failure_of(connection, log.tenant_id)
            why = "" if failure is None else f", which says: {failure.failure}"
            raise UnsealedError(
                f"the log is not sealed beyond {size}, and another process is at it{why}"
            )
        if not sealer.seal(log):
            time.sleep(_PAUSE_S)

"""`roundbook rebuild`: a tenant's read models anew from its log."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import click

from api.cli.verify import verifying
from api.process.logs import takes_commands
from api.process.projecting import open_projector
from api.process.store import open_service
from app.evidence.status import say_rebuilt_anyway
from app.evidence.verification.asking import Asked
from app.evidence.verification.verify import verify_sealed
from app.log.append import head
from app.log.leaves import current_log
from app.settings import read_settings
from app.tenants import find_tenant
from projections.engine.catching_up import Reach, catch_up
from projections.engine.comparison import Comparison
from projections.engine.generations import RebuildError
from projections.engine.rebuild import Progress, Rebuild, Rebuilt
from projections.models.registry import READ_MODELS

_PATIENCE_S = 5.0
"""For a rebuild that was killed a moment ago; one that goes on is told of after that."""


_SHOWN = 10


class ForgedError(RebuildError):
    """The log is not what was sealed: no read models are made of it."""


class UnsoundError(RebuildError):
    """The read models are not what the log says, or not as far as the log is, or that was not found out."""


@click.command("rebuild")
@click.argument("tenant")
@click.argument(
    "projections", metavar="[PROJECTION]...", nargs=-1, type=click.Choice(list(READ_MODELS))
)
@click.option(
    "--check",
    is_flag=True,
    help="Only compare: what queries read stays as it is, whatever is found.",
)
@click.option(
    "--anyway",
    is_flag=True,
    help="Also from a log that is not what was sealed, which is refused else.",
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    help="Make so many events a second at most, in place of ROUNDBOOK_REBUILD_RATE.",
)
def rebuild_command(
    tenant: str, projections: tuple[str, ...], *, check: bool, anyway: bool, rate: int | None
) -> None:
    """Make the read models of TENANT anew from its log, while the service goes on.

    First it is verified that the log is what was sealed, up to its newest checkpoint: read models that agree
    with a forged log would make it look sound.

    What queries read is then brought to the end of the log, as far as it goes. All read models are
    made, beside those that queries read until the end; then old and new are compared, all or each
    PROJECTION that is named, and the new ones take over. Rows that differ are counted, the first few
    are shown, and the exit status is 1: they were not what the log says, and are now.

    The exit status is 1 too where the read models end before the log does, and where a check had
    nothing that it could compare, though there is a log.

    Tenants whose events wait to be shown go first, for a tenth of a second before each chunk. A rebuild that
    was interrupted is taken up again where it stood.
    """
    settings = read_settings()
    stop = threading.Event()
    with open_service(settings) as url, open_projector(url, settings) as (pool, projector):
        with pool.connection() as connection:
            tenant_id = find_tenant(connection, tenant).tenant_id
            log, end = current_log(connection, tenant_id), head(connection, tenant_id)
        found = None
        if log is not None:
            found = _verify(tenant, end, Asked(url, log, settings), anyway=anyway)
        if found is not None and not check:
            with pool.connection() as connection:
                say_rebuilt_anyway(connection, tenant_id, found)
        with _bar(f"rebuilding {tenant}") as report:
            reach = catch_up(pool, projector, tenant_id, stop=stop, report=report)
            rebuilt = Rebuild(
                pool,
                projector,
                tenant_id,
                stop=stop,
                report=report,
                found=lambda rebuilt: _tell(rebuilt, reach),
                events_per_s=rate or settings.rebuild_rate,
            ).run(compared=projections, check=check, patience_s=_PATIENCE_S)
            if found is None and not check:
                with pool.connection() as connection:
                    say_rebuilt_anyway(connection, tenant_id, None)
            # Where the old ones stood still, the new ones may go on.
            after = reach if check else catch_up(pool, projector, tenant_id, stop=stop)
    if faults := list(_faults(rebuilt, reach, after, check=check)):
        raise UnsoundError("\n".join(faults))


def _verify(tenant: str, end: int, asked: Asked, *, anyway: bool) -> str | None:
    """Raise ForgedError unless the log is what was sealed; with `anyway` say, and return, what was found."""
    with verifying(tenant, end) as report:
        findings = verify_sealed(asked, report)
    if not findings.total:
        return None
    found = [str(finding) for finding in islice(findings, _SHOWN)]
    if findings.total > len(found):
        found.append(f"… and {findings.total - len(found)} more")
    said = "\n".join([f"the log of {tenant} is not what was sealed:", *found])
    if not anyway:
        raise ForgedError(
            f"{said}\nthe read models stay as they are; `roundbook verify {tenant}` says more, and --anyway"
            " makes them of this log all the same"
        )
    click.echo(f"{said}\nthe read models are made of it all the same (--anyway)", err=True)
    return "; ".join(found)


def _faults(rebuilt: Rebuilt, reach: Reach, after: Reach, *, check: bool) -> Iterator[str]:
    """Say why this is no success."""
    if rebuilt.differences:
        rows = "1 row was" if rebuilt.differences == 1 else f"{rebuilt.differences} rows were"
        outcome = "left as it is (--check)" if check else "the log's word stands now"
        yield f"{rows} not what the log says; {outcome}"
    if after.why is not None:
        yield f"the read models end at position {after.position} of {after.head}: {after.why}"
    elif check and reach.head and not rebuilt.comparisons:
        yield "nothing was compared: name each PROJECTION that shall be, whatever its version"


def _tell(rebuilt: Rebuilt, reach: Reach) -> None:
    """Say what was found, on the lines behind the bar."""
    if takes_commands():
        click.echo(err=True)
    if not reach.head and not rebuilt.compared:
        click.echo("nothing was compared: the log is empty")
        return
    for comparison in rebuilt.comparisons:
        click.echo(f"{comparison.table}\t{comparison.rows} rows\t{_verdict(comparison)}")
        for difference in comparison.differences:
            click.echo(f"\t{difference}")
        if comparison.differing > len(comparison.differences):
            click.echo(f"\t… {comparison.differing} in all")
    told = {comparison.table for comparison in rebuilt.comparisons}
    for name, (old, new) in rebuilt.changed.items():
        if not told.intersection(READ_MODELS[name].tables):
            click.echo(f"{name}\tversion {old} → {new}\tnot compared")
    compared = "compared" if rebuilt.compared else "nothing was compared"
    of = "" if reach.why is None else f" of {reach.head}"
    click.echo(f"{compared} up to position {rebuilt.position}{of}")


def _verdict(comparison: Comparison) -> str:
    if not comparison.differing:
        return "the same" if comparison.rows else "nothing to compare"
    counts = {
        "missing": comparison.missing,
        "unexpected": comparison.unexpected,
        "different": comparison.changed,
    }
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


@contextmanager
def _bar(label: str) -> Iterator[Callable[[Progress], None]]:
    """Show on stderr the share that is done, the rate, and the time left."""
    started_s = time.monotonic()
    begun_at: int | None = None
    step = "catching up"

    def show(_: object) -> str:
        if step != "making":
            return step
        made = bar.pos - (begun_at or 0)
        return f"{made / max(time.monotonic() - started_s, 0.001):,.0f} events/s"

    def report(progress: Progress) -> None:
        nonlocal begun_at, started_s, step
        step = progress.step
        bar.length = max(progress.total, 1)
        if step == "catching up":
            bar.render_progress()
            return
        if begun_at is None:
            begun_at, started_s = progress.made, time.monotonic()
        bar.update(progress.made - bar.pos)
        bar.render_progress()

    shown = takes_commands()
    if not shown:
        click.echo(label, err=True)
    bar: Any = click.progressbar(
        length=1,
        label=label,
        file=sys.stderr,
        hidden=not shown,
        show_percent=True,
        show_eta=True,
        item_show_func=show,
    )
    with bar:
        yield report

"""`roundbook rebuild`: a tenant's read models anew from its log."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from api.process.projecting import open_projector
from api.process.store import open_service
from app.settings import read_settings
from app.tenants import find_tenant
from projections.engine.comparison import Comparison
from projections.engine.generations import RebuildError
from projections.engine.rebuild import Progress, Rebuild, Rebuilt
from projections.models.registry import READ_MODELS

_PATIENCE_S = 5.0
"""For a rebuild that was killed a moment ago; one that goes on is told of after that."""


class DifferentError(RebuildError):
    """Rows of the read models were not what the log says."""


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
def rebuild_command(tenant: str, projections: tuple[str, ...], *, check: bool) -> None:
    """Make the read models of TENANT anew from its log, while the service goes on.

    All of them are made, beside those that queries read until the end; then old and new are compared,
    all or each PROJECTION that is named, and the new ones take over. Rows that differ are counted,
    the first few are shown, and the exit status is 1: they were not what the log says, and are now.

    A rebuild that was interrupted is taken up again where it stood.
    """
    settings = read_settings()
    with open_service(settings) as url, open_projector(url, settings) as (pool, projector):
        with pool.connection() as connection:
            tenant_id = find_tenant(connection, tenant).tenant_id
        with _bar(f"rebuilding {tenant}") as report:
            rebuilt = Rebuild(
                pool, projector, tenant_id, stop=threading.Event(), report=report, found=_tell
            ).run(compared=projections, check=check, patience_s=_PATIENCE_S)
    if rebuilt.differences:
        rows = "1 row was" if rebuilt.differences == 1 else f"{rebuilt.differences} rows were"
        outcome = "left as it is (--check)" if check else "the log's word stands now"
        raise DifferentError(f"{rows} not what the log says; {outcome}")


def _tell(rebuilt: Rebuilt) -> None:
    """Say what was found, on the lines behind the bar."""
    if sys.stderr.isatty():
        click.echo(err=True)
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


def _verdict(comparison: Comparison) -> str:
    if not comparison.differing:
        return "the same"
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
    step = "making"

    def show(_: object) -> str:
        if step != "making":
            return step
        made = bar.pos - (begun_at or 0)
        return f"{made / max(time.monotonic() - started_s, 0.001):,.0f} events/s"

    def report(progress: Progress) -> None:
        nonlocal begun_at, step
        if begun_at is None:
            begun_at = progress.made
        bar.length = max(progress.total, 1)
        step = progress.step
        bar.update(progress.made - bar.pos)
        bar.render_progress()

    bar: Any = click.progressbar(
        length=1,
        label=label,
        file=sys.stderr,
        show_percent=True,
        show_eta=True,
        item_show_func=show,
    )
    with bar:
        yield report

"""`roundbook top`: how all tenants are, in the terminal."""

import time
from contextlib import suppress
from typing import NamedTuple

import click
import httpx
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from api.cli.overview import Look, Served, look, rates, served
from api.process.store import connect_service
from api.system import TenantStatus, Trouble
from app.settings import read_settings
from postgres.connections import Connection
from postgres.errors import UNAVAILABLE, is_out_of_reach

# How long an event waits to be shown is a column of its own.
_WORDS: dict[Trouble, str] = {
    "not_signed": "not signed",
    "not_stated": "heads not stated",
    "rebuilt_anyway": "made of a log that is not sound",
}


@click.command("top")
@click.option("--once", is_flag=True, help="Print one look as tab-separated lines, for scripts.")
@click.option(
    "--interval",
    "interval_s",
    type=click.FloatRange(0.2, 3600),
    default=2.0,
    show_default=True,
    help="How many seconds between two looks.",
)
@click.option(
    "--rows", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Of tenants."
)
@click.option(
    "--url",
    default="http://127.0.0.1:8000",
    show_default=True,
    help="A host, or its address for operators, whose /metrics are shown too.",
)
def top(*, once: bool, interval_s: float, rows: int, url: str) -> None:
    """Show how all tenants are: how fast they are recorded, what is not shown or sealed yet, what is wrong.

    Those that need a look come first, then the busiest. Ctrl-C ends it. With --once it prints of each
    tenant the name, the last position, how many events queries don't show yet, for how many seconds the first
    of them waits, how many are not sealed, and what is wrong; tab-separated.
    """
    console = Console()
    if not once and (not console.is_terminal or console.is_dumb_terminal):
        raise click.UsageError("it needs a terminal: for scripts there is --once")
    settings = read_settings()
    if once:
        with connect_service(settings) as connection:
            for each in look(connection).tenants:
                click.echo(
                    f"{each.name}\t{each.log_position}\t{each.lag_events}\t{each.lag_seconds:.1f}"
                    f"\t{_not_sealed(each)}\t{_state(each)}"
                )
        return
    began = False
    with suppress(KeyboardInterrupt), httpx.Client(base_url=url) as client:
        while True:
            try:
                with connect_service(settings) as connection:
                    began = True
                    _watch(connection, client, console, interval_s=interval_s, rows=rows)
            except UNAVAILABLE as error:
                if not began or not is_out_of_reach(error):
                    raise
                console.print(f"waiting for the database: {str(error).strip()}", markup=False)
                time.sleep(interval_s)


class _Moment(NamedTuple):
    store: Look
    host: Served | None


def _watch(
    connection: Connection, client: httpx.Client, console: Console, *, interval_s: float, rows: int
) -> None:
    before = _Moment(look(connection), served(client))
    with Live(_view(before, before, rows), console=console, auto_refresh=False) as live:
        while True:
            time.sleep(interval_s)
            now = _Moment(look(connection), served(client))
            live.update(_view(before, now, rows), refresh=True)
            before = now


def _view(before: _Moment, now: _Moment, rows: int) -> Group:
    """Draw what there is at a moment, and how fast it went since the one before."""
    per_s = rates(before.store, now.store)
    table = Table(box=None, pad_edge=False)
    table.add_column("tenant", no_wrap=True)
    for name in ("events", "a second", "not shown", "for", "not sealed"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("state")
    shown = sorted(now.store.tenants, key=lambda each: (not each.troubles, -per_s[each.name]))[
        :rows
    ]
    for each in shown:
        table.add_row(
            Text(each.name),
            f"{each.log_position:,}",
            f"{per_s[each.name]:,.1f}",
            f"{each.lag_events:,}",
            f"{each.lag_seconds:.1f} s",
            f"{_not_sealed(each):,}",
            Text(_state(each)),
            style="red" if each.troubles else None,
        )
    return Group(Text(_headline(before, now, sum(per_s.values()))), table)


def _not_sealed(tenant: TenantStatus) -> int:
    return max(0, tenant.log_position - tenant.evidence.size)


def _state(tenant: TenantStatus) -> str:
    """Say what an operator must know, nothing where all is well."""
    states = ["closed"] if tenant.closed_at else []
    if tenant.failure:
        states.append(f"stands still at {tenant.failure.position}")
    if tenant.rebuild and tenant.rebuild.failure:
        states.append(f"rebuild stands still at {tenant.rebuild.failure.position}")
    states += [_WORDS[trouble] for trouble in tenant.troubles if trouble in _WORDS]
    return ", ".join(states)


def _headline(before: _Moment, now: _Moment, events_per_s: float) -> str:
    said = f"{len(now.store.tenants)} tenants, {events_per_s:,.1f} events a second"
    if before.host is None or now.host is None:
        return f"{said}; the host does not answer: name it by --url"
    passed_s = max(now.host.at_s - before.host.at_s, 1e-6)
    # After a start it counts from 0 again.
    counted = [
        f"{max(0.0, count - before.host.counts[what]) / passed_s:,.1f} {what}"
        for what, count in now.host.counts.items()
    ]
    return f"{said}; the host: {', '.join(counted)} a second"

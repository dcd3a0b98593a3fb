"""`roundbook simulate`: realistic traffic, to a running service or into a file."""

import math
import shlex
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, BinaryIO

import click
from click.core import ParameterSource

from api.cli.moment import Moment
from api.cli.sending import check_key, ingest_key, open_client, post, sends
from app.simulation import Scenario, batches
from app.simulation import simulate as simulate_items
from app.wire.items import FUTURE_ALLOWED
from domain.instant import format_instant

_USUAL_SPAN = timedelta(days=7)
_CHOICES = (
    *("events", "players", "games", "late", "repeated", "conflicting", "rolled_back", "ended"),
)
_OUTCOMES = ("stored", "duplicate", "conflict")
_LABEL = "roundbook simulate"


_SHARE = click.FloatRange(0, 1)


def _finite(_context: click.Context, _option: click.Parameter, rate: float | None) -> float | None:
    if rate is not None and not math.isfinite(rate):
        raise click.BadParameter(f"{rate} is no rate")
    return rate


@click.command()
@click.argument("tenant")
@click.option("--events", default=10_000, show_default=True, type=click.IntRange(1))
@click.option("--players", default=1_000, show_default=True, type=click.IntRange(1))
@click.option("--games", default=100, show_default=True, type=click.IntRange(1))
@click.option("--from", "start", type=Moment(), help="When it begins; else a week before it ends.")
@click.option("--to", "end", type=Moment(), help="When it ends; else now.")
@click.option(
    "--seed",
    default=1,
    show_default=True,
    help="The same seed, --from and --to give the same items.",
)
@click.option(
    "--late",
    default=0.01,
    show_default=True,
    type=_SHARE,
    help="The share of items that come after some that happened later.",
)
@click.option(
    "--repeated",
    default=0.005,
    show_default=True,
    type=_SHARE,
    help="The share of items that are the same as an earlier one.",
)
@click.option(
    "--conflicting",
    default=0.001,
    show_default=True,
    type=_SHARE,
    help="The share of items with the unique_id of an earlier one and other content.",
)
@click.option(
    "--rolled-back",
    default=0.005,
    show_default=True,
    type=_SHARE,
    help="The share of rounds that are taken back, at once or when the player comes again.",
)
@click.option(
    "--ended",
    default=0.02,
    show_default=True,
    type=_SHARE,
    help="The share of rounds that end without a win.",
)
@click.option(
    "--rate",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    help="Events a second; else all it takes.",
)
@sends
@click.option(
    "--output", type=click.File("wb"), help="Write request bodies, one a line, instead of sending."
)
def simulate(  # noqa: PLR0913 (one argument for each option)
    tenant: str,
    *,
    start: datetime | None,
    end: datetime | None,
    events: int,
    rate: float | None,
    batch: int,
    url: str,
    key: str | None,
    output: BinaryIO | None,
    **options: Any,
) -> None:
    """Make up realistic casino traffic for TENANT and send it to a running service, or write it to a file.

    It fills the time up to now, or the one it is told. In the end it says how to make the same items again:
    sending them again is safe, nothing is recorded twice.
    """
    check_key(tenant, key)
    start, end = _span(start, end, now=datetime.now(UTC))
    try:
        items = simulate_items(Scenario(start=start, end=end, **options), events)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    bodies = batches(items, batch)
    if output is not None:
        for body in bodies:
            output.write(body + b"\n")
        output.flush()
    else:
        pause_s = batch / rate if rate else 0.0
        with ingest_key(tenant, key, _LABEL) as own_key:
            _send(bodies, url, own_key, pause_s, events)
    click.echo(f"The same items again: {_command(start, end)}", err=True)


def _span(
    start: datetime | None, end: datetime | None, *, now: datetime
) -> tuple[datetime, datetime]:
    """Return from when to when it goes: a week up to now, where nothing else was said."""
    end = end or now
    if end > now + FUTURE_ALLOWED:
        raise click.BadParameter("is so far ahead that no service takes it", param_hint="--to")
    try:
        return start or end - _USUAL_SPAN, end
    except OverflowError:
        raise click.UsageError("there is no week before --to: give --from too") from None


def _command(start: datetime, end: datetime) -> str:
    """Write the command that makes the same items again: with the time, the seed, and what else was given."""
    context = click.get_current_context()
    words = ["roundbook", "simulate", context.params["tenant"]]
    words += ["--from", format_instant(start), "--to", format_instant(end)]
    words += ["--seed", str(context.params["seed"])]
    for name in _CHOICES:
        if context.get_parameter_source(name) is not ParameterSource.DEFAULT:
            words += [f"--{name.replace('_', '-')}", str(context.params[name])]
    return shlex.join(words)


def _send(bodies: Iterator[bytes], url: str, key: str, pause_s: float, events: int) -> None:
    totals = dict.fromkeys(_OUTCOMES, 0)
    started = time.monotonic()
    with (
        open_client(url, key) as client,
        click.progressbar(length=events, label="sending", file=sys.stderr) as bar,
    ):
        for number, body in enumerate(bodies):
            time.sleep(max(0.0, started + number * pause_s - time.monotonic()))
            answer = post(client, "/api/v1/events", body)
            counts = {outcome: int(answer.headers[f"Events-{outcome}"]) for outcome in _OUTCOMES}
            for outcome, count in counts.items():
                totals[outcome] += count
            bar.update(sum(counts.values()))
    elapsed_s = time.monotonic() - started
    outcome_text = ", ".join(f"{count} {outcome}" for outcome, count in totals.items())
    click.echo(f"{outcome_text}; {sum(totals.values()) / elapsed_s:.0f} events/s")

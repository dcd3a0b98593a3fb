"""`roundbook simulate`: realistic traffic, to a running service or into a file."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import click
import httpx

from api.process.store import connect_service
from app.settings import read_settings
from app.simulation import Scenario, batches
from app.simulation import simulate as simulate_items
from app.tenants import create_key, find_tenant, revoke_key

_KEY_LIFE = timedelta(days=1)
_OUTCOMES = ("stored", "duplicate", "conflict")
_LABEL = "roundbook simulate"
_TIMEOUT_S = 60


class SendingError(click.ClickException):
    """The service did not take a batch."""


@click.command()
@click.argument("tenant")
@click.option("--events", default=10_000, show_default=True, type=click.IntRange(1))
@click.option("--players", default=1_000, show_default=True, type=click.IntRange(1))
@click.option("--games", default=100, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="The same seed gives the same items.")
@click.option(
    "--rate", type=click.FloatRange(0, min_open=True), help="Events a second; else all it takes."
)
@click.option("--batch", default=1_000, show_default=True, type=click.IntRange(1, 10_000))
@click.option(
    "--url", default="http://127.0.0.1:8000", show_default=True, help="The running service."
)
@click.option(
    "--key", help="A key of the tenant with the scope `ingest`; else one is made for the time."
)
@click.option(
    "--output", type=click.File("wb"), help="Write request bodies, one a line, instead of sending."
)
def simulate(  # noqa: PLR0913, PLR0917 (one argument for each option of the command)
    tenant: str,
    events: int,
    players: int,
    games: int,
    seed: int,
    rate: float | None,
    batch: int,
    url: str,
    key: str | None,
    output: BinaryIO | None,
) -> None:
    """Make up realistic casino traffic for TENANT and send it to a running service, or write it to a file.

    Sending the same seed again is safe: every item is then a duplicate.
    """
    items = simulate_items(Scenario(players=players, games=games, seed=seed), events)
    bodies = batches(items, batch)
    if output is not None:
        for body in bodies:
            output.write(body + b"\n")
        return
    if key is not None and not (key.isascii() and key.isprintable()):
        raise click.BadParameter("is no key", param_hint="--key")
    pause_s = batch / rate if rate else 0.0
    with _ingest_key(tenant, key) as ingest_key:
        _send(bodies, url, ingest_key, pause_s, events)


@contextmanager
def _ingest_key(tenant: str, given: str | None) -> Iterator[str]:
    """Give a key: the one that was given, or one of our own that is revoked in the end."""
    if given:
        yield given
        return
    with connect_service(read_settings()) as connection:
        owner = find_tenant(connection, tenant)
        expires_at = datetime.now(UTC) + _KEY_LIFE
        made = create_key(connection, owner, ["ingest"], label=_LABEL, expires_at=expires_at)
        try:
            yield made.key
        finally:
            revoke_key(connection, made.key_id)


def _send(bodies: Iterator[bytes], url: str, key: str, pause_s: float, events: int) -> None:
    totals = dict.fromkeys(_OUTCOMES, 0)
    started = time.monotonic()
    headers = {"x-api-key": key, "content-type": "application/json"}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S) as client,
        click.progressbar(length=events, label="sending", file=sys.stderr) as bar,
    ):
        for number, body in enumerate(bodies):
            time.sleep(max(0.0, started + number * pause_s - time.monotonic()))
            answer = _post(client, body)
            counts = {outcome: int(answer.headers[f"Events-{outcome}"]) for outcome in _OUTCOMES}
            for outcome, count in counts.items():
                totals[outcome] += count
            bar.update(sum(counts.values()))
    elapsed_s = time.monotonic() - started
    outcome_text = ", ".join(f"{count} {outcome}" for outcome, count in totals.items())
    click.echo(f"{outcome_text}; {sum(totals.values()) / elapsed_s:.0f} events/s")


def _post(client: httpx.Client, body: bytes) -> httpx.Response:
    """Send a batch until it is confirmed: that it may be sent again is what unique_ids are for."""
    while True:
        try:
            answer = client.post("/api/v1/events", content=body)
        except httpx.TransportError as error:
            raise SendingError(f"{client.base_url} can't be reached: {error}") from error
        if answer.status_code == httpx.codes.NO_CONTENT:
            return answer
        if "Retry-After" not in answer.headers:
            raise SendingError(f"the service answered {answer.status_code}: {answer.text}")
        time.sleep(float(answer.headers["Retry-After"]))

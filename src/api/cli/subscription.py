"""`roundbook subscription`: where a tenant's log is relayed to."""

from collections.abc import Sequence
from datetime import timedelta

import click

from api.cli.texts import Text
from api.process.store import connect_service
from app.relay.secrets import Secrets
from app.relay.subscriptions import (
    Subscription,
    SubscriptionError,
    add_subscription,
    find_subscription,
    list_subscriptions,
    pause_subscription,
    remove_subscription,
    replay_subscription,
    resume_subscription,
)
from app.relay.targets.addresses import UrlError, parse_url
from app.settings import Settings, read_settings
from app.tenants import find_tenant
from domain.instant import format_instant
from domain.relaying import EVENTS, KINDS, Kind, TargetError, check_target

_LONGEST_OVERLAP_HOURS = 24 * 366

_tenant = click.argument("tenant")
_name = click.argument("name")


@click.group()
def subscription() -> None:
    """Add, list, pause, replay and remove subscriptions: `roundbook relay` sends what is recorded to them."""


@subscription.command()
@_tenant
@_name
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("target")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(EVENTS),
    metavar="EVENT",
    help="Only these: an item type (gameround) or a type of event (WinPaid); several can be given.",
)
@click.option(
    "--from",
    "first",
    type=click.IntRange(1, 2**63 - 1),
    metavar="POSITION",
    help="Begin with the event at this position; 1 is the whole log. Without, with the next one.",
)
def add(
    tenant: str,
    name: str,
    kind: Kind,
    target: str,
    events: tuple[str, ...],
    first: int | None,
) -> None:
    """Let what is recorded for TENANT be sent to TARGET, each event at least once, in order in each stream.

    TARGET is the URL of a webhook, a subject of NATS, EXCHANGE/ROUTING-KEY of RabbitMQ, or a topic of
    Kafka. In the last three {tenant}, {event} and {type} stand for what an event has. Of a webhook the
    secret that signs is printed, alone and once: give it to the receiver.
    """
    settings = read_settings()
    _check(kind, target, settings)
    with connect_service(settings) as connection, connection.transaction():
        owner = find_tenant(connection, tenant)
        begins = add_subscription(
            connection, owner, name, kind, target, events=events or None, first=first
        )
        secret = Secrets(settings.webhook_path).begin(tenant, name) if kind == "webhook" else None
    if secret is not None:
        click.echo(secret)
    click.echo(f"it begins with position {begins}", err=True)


@subscription.command("list")
@_tenant
def list_(tenant: str) -> None:
    """List the subscriptions of TENANT: name, kind, target, events, state, position, lag, delivered, failed.

    Tab-separated, by name. The lag is how many events of the log are yet to be looked at; failed are
    attempts.
    """
    with connect_service(read_settings()) as connection:
        found = list_subscriptions(connection, find_tenant(connection, tenant))
    for each in found:
        columns = (each.name, each.kind, each.target, _events(each), each.state)
        counts = (each.position, each.lag, each.delivered, each.failed)
        click.echo("\t".join((*columns, *map(str, counts))))
    if not found:
        click.echo(f"tenant {tenant} has no subscriptions", err=True)


@subscription.command()
@_tenant
@_name
def show(tenant: str, name: str) -> None:
    """Show a subscription: a name and a value on each line, tab-separated."""
    with connect_service(read_settings()) as connection:
        found = find_subscription(connection, find_tenant(connection, tenant), name)
    for line in _lines(found):
        click.echo("\t".join(line))


@subscription.command()
@_tenant
@_name
@click.option("--reason", default="by an operator", type=Text(), help="Why, as it is shown.")
def pause(tenant: str, name: str, reason: str) -> None:
    """Let nothing more be sent, until it is resumed; what is under way may still arrive."""
    with connect_service(read_settings()) as connection:
        was_paused = pause_subscription(connection, find_tenant(connection, tenant), name, reason)
    if not was_paused:
        click.echo(f"nothing was changed: subscription {name} is paused already", err=True)


@subscription.command()
@_tenant
@_name
def resume(tenant: str, name: str) -> None:
    """Let a paused subscription go on where it was, and one that failed try again at once."""
    with connect_service(read_settings()) as connection:
        was_resumed = resume_subscription(connection, find_tenant(connection, tenant), name)
    if not was_resumed:
        click.echo(f"nothing was changed: subscription {name} goes on", err=True)


@subscription.command()
@_tenant
@_name
@click.option(
    "--from",
    "first",
    required=True,
    type=click.IntRange(1, 2**63 - 1),
    metavar="POSITION",
    help="The first event that is sent.",
)
def replay(tenant: str, name: str, first: int) -> None:
    """Go on from another position: back, to send again with the same ids, or forth, to leave events out."""
    with connect_service(read_settings()) as connection:
        replay_subscription(connection, find_tenant(connection, tenant), name, first)


@subscription.command()
@_tenant
@_name
def remove(tenant: str, name: str) -> None:
    """Remove a subscription, its position, and the secrets of a webhook."""
    settings = read_settings()
    with connect_service(settings) as connection:
        remove_subscription(connection, find_tenant(connection, tenant), name)
    Secrets(settings.webhook_path).remove(tenant, name)


@subscription.command("rotate-secret")
@_tenant
@_name
@click.option(
    "--overlap-hours",
    type=click.FloatRange(0, _LONGEST_OVERLAP_HOURS),
    default=24.0,
    show_default=True,
    help="How long the secret of before signs beside the one that takes its place.",
)
def rotate_secret(tenant: str, name: str, overlap_hours: float) -> None:
    """Make another secret of a webhook, and print it alone, once.

    Messages are signed by both until the overlap has ended, so the receiver may change over at any time in
    it.
    """
    settings = read_settings()
    with connect_service(settings) as connection:
        found = find_subscription(connection, find_tenant(connection, tenant), name)
    if found.kind != "webhook":
        raise SubscriptionError(f"subscription {name!r} is no webhook: it has no secret")
    secrets = Secrets(settings.webhook_path)
    click.echo(secrets.rotate(tenant, name, overlap=timedelta(hours=overlap_hours)))


def _check(kind: Kind, target: str, settings: Settings) -> None:
    """Raise click.BadParameter for what can't be a target."""
    try:
        if kind == "webhook":
            parse_url(target, private=settings.private_webhooks == "allowed")
        else:
            check_target(kind, target)
    except (UrlError, TargetError) as error:
        raise click.BadParameter(f"{target!r}: {error}", param_hint="TARGET") from None


def _events(found: Subscription) -> str:
    return "all" if found.events is None else ",".join(found.events)


def _lines(found: Subscription) -> Sequence[tuple[str, str]]:
    moments = {
        "created": found.created_at,
        "paused": found.paused_at,
        "failed last": found.failed_at,
        "tried again": found.not_before if found.failures else None,
    }
    lines = {
        "name": found.name,
        "kind": found.kind,
        "target": found.target,
        "events": _events(found),
        "state": found.state,
        "position": str(found.position),
        "lag": str(found.lag),
        "delivered": str(found.delivered),
        "failed": str(found.failed),
        "failures in a row": str(found.failures),
        **{name: format_instant(at) for name, at in moments.items() if at is not None},
        "why paused": found.pause_reason or "",
        "why failed last": found.failure or "",
    }
    return [(name, value) for name, value in lines.items() if value]

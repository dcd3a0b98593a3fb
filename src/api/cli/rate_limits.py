"""`roundbook tenant limit` and `limits`: how much a tenant and its keys may send and ask."""

import click

from api.process.store import connect_service
from app.limits.limits import WHOLE_TENANT, Limit, list_limits, remove_limit, set_limit
from app.settings import read_settings
from app.tenants import TenantError, find_tenant, list_keys

_A_DAY_S = 86_400
_Count = click.IntRange(1, 10**9)


@click.command()
@click.argument("name")
@click.option("--key", "key_id", type=int, help="Limit this key, and not the tenant as a whole.")
@click.option("--requests-per-second", "requests_per_s", type=_Count, help="Requests of any kind.")
@click.option("--items-per-second", "items_per_s", type=_Count, help="Items of batches.")
@click.option("--bytes-per-second", "bytes_per_s", type=_Count, help="Bytes of bodies, unpacked.")
@click.option(
    "--burst-s",
    type=click.IntRange(1, _A_DAY_S),
    default=10,
    show_default=True,
    help="For how many seconds what is not used can be saved up.",
)
@click.option("--none", "is_none", is_flag=True, help="Take the limit away.")
def limit(
    name: str,
    *,
    key_id: int | None,
    requests_per_s: int | None,
    items_per_s: int | None,
    bytes_per_s: int | None,
    burst_s: int,
    is_none: bool,
) -> None:
    """Limit how much a tenant, or one of its keys, may send and ask; it holds everywhere within 10 seconds.

    It takes the place of the limit that was there: what is not named is not limited. A key is under both its
    own limit and its tenant's.
    """
    rates = (requests_per_s, items_per_s, bytes_per_s)
    if is_none == any(rates):
        raise click.UsageError("name at least one limit, or --none and no limit")
    with connect_service(read_settings()) as connection:
        tenant = find_tenant(connection, name)
        if key_id is not None and key_id not in {
            key.key_id for key in list_keys(connection, tenant)
        }:
            raise TenantError(f"tenant {name!r} has no key {key_id}")
        place = key_id or WHOLE_TENANT
        if not is_none:
            set_limit(connection, tenant.tenant_id, Limit(place, *rates, burst_s))
        elif not remove_limit(connection, tenant.tenant_id, place):
            whose = f"key {key_id}" if key_id else f"tenant {name}"
            click.echo(f"nothing was changed: {whose} has no limit", err=True)


@click.command()
@click.argument("name")
def limits(name: str) -> None:
    """List a tenant's limits: key, requests, items, bytes a second, seconds of burst; tab-separated.

    The key is `-` for the tenant as a whole, which comes first. What is empty is not limited.
    """
    with connect_service(read_settings()) as connection:
        found = list_limits(connection, find_tenant(connection, name).tenant_id)
    for each in found:
        rates = (each.requests_per_s, each.items_per_s, each.bytes_per_s)
        columns = ["" if rate is None else str(rate) for rate in rates]
        click.echo("\t".join([str(each.key_id or "-"), *columns, str(each.burst_s)]))
    if not found:
        click.echo(f"tenant {name} has no limits", err=True)

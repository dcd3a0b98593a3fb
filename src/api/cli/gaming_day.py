"""`roundbook tenant set`: when a tenant's days begin."""

import click

from api.process.store import connect_service
from app.settings import read_settings
from app.tenants import find_tenant
from domain.gaming_day import DayRule
from projections.days import newest_rule, set_rule


@click.command("set")
@click.argument("name")
@click.option("--time-zone", metavar="ZONE", help="Of the IANA database, as Europe/Copenhagen.")
@click.option("--day-starts", metavar="HH:MM", help="At which time there a day begins, as 06:00.")
def set_command(name: str, time_zone: str | None, day_starts: str | None) -> None:
    """Set when the gaming days of tenant NAME begin; what is not given stays as it is.

    At first days are those of UTC. Activity and reports are by gaming day, each named by the date on which it
    begins. After a change they are made anew by whoever projects, who begins within 30 seconds; they show
    the old days until that is done. Change it when all hosts know of gaming days: older ones would answer
    with balances of the past (as_of) that are wrong.
    """
    if time_zone is None and day_starts is None:
        raise click.UsageError("name --time-zone, --day-starts or both")
    with connect_service(read_settings()) as connection, connection.transaction():
        tenant_id = find_tenant(connection, name).tenant_id
        known = newest_rule(connection, tenant_id).rule
        rule = DayRule.of(time_zone or known.time_zone, day_starts or known.starts_at)
        is_new = set_rule(connection, tenant_id, rule)
    if not is_new:
        days = f"{rule.starts_at} {rule.time_zone}"
        click.echo(f"nothing was changed: the days of tenant {name} begin at {days}", err=True)

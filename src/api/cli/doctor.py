"""`roundbook doctor`: what is wrong with the database and its surroundings, and what to do."""

from collections import Counter

import click
import msgspec

from api.process.diagnosis import diagnose
from app.settings import read_settings
from postgres.doctor import Finding


class UnwellError(click.ClickException):
    """Something is wrong."""


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object a line.")
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, 64),
    help="How many workers this host serves with, which must find connections enough.",
)
def doctor_command(workers: int, *, as_json: bool) -> None:
    """Check the database that the settings name, and what is around it.

    Prints a line for each check: ok, warning or wrong, what was found, and what to do. Writes nothing, and
    may run beside the service. Exit status 0: nothing is wrong; 1: something is.
    """
    count: Counter[str] = Counter()
    for finding in diagnose(read_settings(), workers=workers, say=_to_stderr):
        count[finding.verdict] += 1
        click.echo(msgspec.json.encode(finding._asdict()) if as_json else _line(finding))
    if count["wrong"]:
        raise UnwellError(
            f"wrong: {count['wrong']}, warnings: {count['warning']}, ok: {count['ok']}"
        )


def _to_stderr(line: str) -> None:
    click.echo(line, err=True)


def _line(finding: Finding) -> str:
    what = " ".join(finding.what.split())
    remedy = f" -> {finding.remedy}" if finding.remedy else ""
    return f"{finding.verdict:<8}{finding.check}: {what}{remedy}"

"""`roundbook evidence`: what convicts who changes a log. Each command is in a module of its own."""

import click

from api.cli.evidence_attest import attest_command


@click.group()
def evidence() -> None:
    """Prove what a log holds, and that it was not changed."""


for command in (attest_command,):
    evidence.add_command(command)

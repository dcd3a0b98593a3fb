"""`roundbook evidence`: what convicts who changes a log. Each command is in a module of its own."""

import click

from api.cli.evidence_attest import attest_command
from api.cli.evidence_bundle import bundle_command
from api.cli.evidence_keys import (
    add_key_command,
    keys_command,
    restart_command,
    rotate_key_command,
)


@click.group()
def evidence() -> None:
    """Prove what a log holds, and that it was not changed."""


_COMMANDS = (
    attest_command,
    bundle_command,
    keys_command,
    add_key_command,
    rotate_key_command,
    restart_command,
)
for command in _COMMANDS:
    evidence.add_command(command)

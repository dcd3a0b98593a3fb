"""`roundbook evidence`: what convicts who changes a log. Each command is in a module of its own."""

import click


@click.group()
def evidence() -> None:
    """Prove what a log holds, and that it was not changed."""

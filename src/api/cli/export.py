"""`roundbook export`: a tenant's log and read models as Parquet files."""

from pathlib import Path
from typing import get_args

import click

from api.process.store import open_service
from app.settings import read_settings
from app.tenants import find_tenant
from postgres.connections import connect
from projections.exporting import Name

_NAMES: tuple[Name, ...] = get_args(Name)
_MISSING = "exports are written by pyarrow, which is not installed: install roundbook[export]"


class _Names(click.ParamType[tuple[Name, ...]]):
    """Names of tables, separated by commas."""

    name = "tables"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Name, ...]:
        """Return the names in their own order, or end with a usage error."""
        if isinstance(value, tuple):
            return value
        asked = str(value).split(",")
        if unknown := [each for each in asked if each not in _NAMES]:
            self.fail(f"{unknown[0]!r} is none of {', '.join(_NAMES)}", param, ctx)
        return tuple(each for each in _NAMES if each in asked)


@click.command("export")
@click.argument("tenant")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option("--what", "names", type=_Names(), help=f"Some of {','.join(_NAMES)}. Absent: all.")
@click.option(
    "--after",
    type=click.IntRange(0, 2**63 - 1),
    help="In a new DIR: only what events after this position of the log say or change.",
)
def export_command(
    tenant: str, folder: Path, names: tuple[Name, ...] | None, after: int | None
) -> None:
    """Write what there is of TENANT into DIR as Parquet files, and what is new since, when it is run again.

    A folder for each table, and in it one for each gaming day; manifest.json names the files with the SHA-256
    of each, and up to which position of the log they go. What was killed is run again. Prints for each table
    its name, its position, and how many rows and files were added; tab-separated.
    """
    try:
        # An extra of the package.
        from api.parquet.exporting import export  # noqa: PLC0415
        from api.parquet.folder import ExportError, Folder  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "pyarrow":
            raise
        raise click.ClickException(_MISSING) from None
    with open_service(read_settings()) as url, connect(url) as connection:
        found = find_tenant(connection, tenant)
        try:
            for added in export(connection, found, Folder(folder), names, after=after):
                click.echo("\t".join(map(str, added)))
        except ExportError as error:
            raise click.ClickException(str(error)) from None

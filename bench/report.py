"""Prints results: tables for the terminal, or Markdown for docs/performance.md.

python -m bench.report [RESULTS.json]... [--into docs/performance.md]
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table as RichTable

from bench.results import FOLDER, Run, Table, load

_FILE_WIDTH = 150
_BEGIN = "<!-- figures: written by `python -m bench.report --into`, do not edit -->"
_END = "<!-- end of figures -->"


def print_facts(title: str, facts: dict[str, str]) -> None:
    """Print names and values."""
    console = _console()
    console.print(f"\n[bold]{title}[/bold]")
    for name, value in facts.items():
        console.print(f"  {name}: {value}", highlight=False)


def print_table(table: Table) -> None:
    """Print a table for people."""
    rich = RichTable(
        title=table.title, title_justify="left", caption=table.about, caption_justify="left"
    )
    for number, column in enumerate(table.columns):
        rich.add_column(column.title, justify="right" if number else "left")
    for row in _texts(table):
        rich.add_row(*row)
    console = _console()
    console.print()
    console.print(rich)


def _console() -> Console:
    # A file or a pipe has no width.
    return Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)


def markdown(runs: Sequence[Run]) -> str:
    """Write runs as Markdown; of a table that several have, only that of the last."""
    parts = []
    for number, run in enumerate(runs):
        newer = {table.title for other in runs[number + 1 :] for table in other.tables}
        parts.append(_markdown(run, [each for each in run.tables if each.title not in newer]))
    return "\n".join(parts)


def _markdown(run: Run, tables: Sequence[Table]) -> str:
    facts = [run.machine, run.settings, run.options, {"took": f"{run.took_s:.0f} s"}]
    parts = [f"Measured {run.began_at}.", ""]
    parts += [f"- {name}: {value}" for part in facts for name, value in part.items()]
    for table in tables:
        titles = [column.title for column in table.columns]
        parts += ["", f"### {table.title}", "", table.about, "", _line(titles)]
        parts.append(_line(["---"] + ["---:"] * (len(titles) - 1)))
        parts += [_line(row) for row in _texts(table)]
    return "\n".join(parts) + "\n"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _texts(table: Table) -> list[list[str]]:
    return [
        [_text(cell, column.decimals) for cell, column in zip(row, table.columns, strict=True)]
        for row in table.rows
    ]


def _text(cell: str | float | None, decimals: int) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else f"{cell:,.{decimals}f}"


@click.command()
@click.argument("results", nargs=-1, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--into", type=click.Path(exists=True, path_type=Path), help="Fill the figures in there."
)
def main(results: tuple[Path, ...], into: Path | None) -> None:
    """Print RESULTS, by default the latest, as Markdown; oldest first."""
    figures = markdown([load(path) for path in results or [FOLDER / "latest.json"]])
    if into is None:
        click.echo(figures)
        return
    before, begin, rest = into.read_text("utf-8").partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise click.ClickException(f"{into} has no place for figures: {_BEGIN} … {_END}")
    into.write_text(f"{before}{begin}\n{figures}{end}{after}", "utf-8")


if __name__ == "__main__":
    main()

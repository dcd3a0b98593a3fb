"""The benchmark: runs the parts that are asked for, prints tables, and keeps the results.

python -m bench [PART]...
"""

import signal
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click

from bench import (
    busy_player,
    consuming,
    exporting,
    growth,
    idle_tenants,
    lag,
    listeners,
    pages,
    past,
    projecting,
    queries,
    relaying,
    reports,
    side_by_side,
    singles,
    spooling,
    steps,
    tenants_on_nodes,
)
from bench.evidence import disk, ingest, proofs, verifying
from bench.fairness import measuring
from bench.machine import load, machine_facts, warnings
from bench.parts import Options, Part, Say
from bench.report import print_facts, print_table
from bench.results import Run, save
from bench.server import Server, durable_settings, open_server

_SIDE_BY_SIDE = (side_by_side.FLOOR, side_by_side.HTTP, side_by_side.LIBRARY)
_ALONE = {
    "steps": steps.run,
    "singles": singles.run,
    "consume": consuming.run,
    "growth": growth.run,
    "player": busy_player.run,
    "projecting": projecting.run,
    "lag": lag.run_half,
    "sustained": lag.run_sustained,
    "queries": queries.run,
    "reports": reports.run,
    "pages": pages.run,
    "exports": exporting.run,
    "past": past.run,
    "evidence-ingest": ingest.run,
    "evidence-proofs": proofs.run,
    "evidence-verify": verifying.run,
    "evidence-disk": disk.run,
    "fairness": measuring.run,
    "idle-tenants": idle_tenants.run,
    "listeners": listeners.run,
    "client": spooling.run,
    "relay": relaying.run,
    "cluster": tenants_on_nodes.run,
}
PARTS = (*_SIDE_BY_SIDE, *_ALONE)
_GROUPS = {
    "evidence": (
        "evidence-ingest",
        "lag",
        "sustained",
        "evidence-proofs",
        "evidence-verify",
        "evidence-disk",
    )
}


@click.command()
@click.argument("parts", nargs=-1, type=click.Choice([*PARTS, *_GROUPS]))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1))
@click.option(
    "--seconds",
    default=3.0,
    show_default=True,
    type=click.FloatRange(0.1),
    help="How long one round of one cell sends.",
)
@click.option(
    "--events",
    default=400_000,
    show_default=True,
    type=click.IntRange(50_000),
    help="How many items there are for one round at most.",
)
@click.option(
    "--batches",
    default=60,
    show_default=True,
    type=click.IntRange(10),
    help="How far `growth` goes, in batches of 10,000; 1,000 for a full run.",
)
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64))
@click.option(
    "--projected",
    default=200_000,
    show_default=True,
    type=click.IntRange(20_000),
    help="How many events `projecting`, `exports` and `cluster` have in a round.",
)
@click.option(
    "--sustained",
    default=2_000_000,
    show_default=True,
    type=click.IntRange(20_000),
    help="How many events `sustained` sends.",
)
@click.option(
    "--rate",
    default=20_000,
    show_default=True,
    type=click.IntRange(1_000),
    help="How many of them a second.",
)
@click.option(
    "--past",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(10_000),
    help="How many events the player of `past` has.",
)
@click.option(
    "--size",
    default=10_000_000,
    show_default=True,
    type=click.IntRange(20_000),
    help="How many events are in the log when `queries`, `reports`, `pages` and `evidence-proofs` ask.",
)
@click.option(
    "--verified",
    default=1_000_000,
    show_default=True,
    type=click.IntRange(10_000),
    help="How many events `evidence-verify` verifies.",
)
@click.option(
    "--tenants",
    default=10_000,
    show_default=True,
    type=click.IntRange(1),
    help="How many tenants do nothing in `idle-tenants`.",
)
@click.option(
    "--listeners",
    default=5_000,
    show_default=True,
    type=click.IntRange(1),
    help="How many listeners `listeners` has.",
)
def main(parts: tuple[str, ...], **sizes: Any) -> None:
    """Measure PARTS, by default all.

    Recording: floor, http, library, steps, singles, consume, growth. Read models: projecting, lag, sustained,
    queries, reports, exports, past, pages (of the console). Evidence: evidence-ingest, -proofs, -verify,
    -disk; `evidence` is all of these, lag and sustained. Among strangers: fairness. Many at once:
    idle-tenants, listeners.
    The Python client: client. To brokers: relay. On the Citus cluster of TEST_CLUSTER_URL: cluster.

    On an embedded PostgreSQL in a temporary folder (set TMPDIR to the disk that is meant), or on that
    of ROUNDBOOK_DATABASE_URL, in databases of its own which are dropped in the end; its role, or that of
    ROUNDBOOK_OWNER_URL, needs CREATEDB.
    """
    # What was started is ended also when this is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    chosen = tuple(name for part in parts for name in _GROUPS.get(part, (part,))) or PARTS
    options = Options(**sizes)
    began_at, started = datetime.now(UTC), time.perf_counter()
    with open_server() as server:
        settings, machine = durable_settings(server), machine_facts(server)
        print_facts("Machine", machine)
        print_facts("PostgreSQL, durable", settings)
        for warning in warnings(server):
            _say(f"warning: {warning}")
        found = _measure(server, options, chosen, _say)
    machine["load after"] = load()
    run = Run(
        began_at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        time.perf_counter() - started,
        {"parts": " ".join(chosen)}
        | {name: str(value) for name, value in options._asdict().items()},
        machine,
        settings,
        found.tables,
        found.rounds,
    )
    click.echo(f"\nkept in {save(run)}, after {run.took_s:.0f} s")


def _measure(server: Server, options: Options, chosen: tuple[str, ...], say: Say) -> Part:
    found = Part([], {})
    if set(chosen) & set(_SIDE_BY_SIDE):
        _add(found, side_by_side.run(server, options, chosen, say))
    for name, run in _ALONE.items():
        if name in chosen:
            _add(found, run(server, options, say))
    return found


def _add(found: Part, part: Part) -> None:
    for table in part.tables:
        print_table(table)
    found.tables.extend(part.tables)
    found.rounds.update(part.rounds)


def _say(line: str) -> None:
    """Tell what goes on, apart from the results."""
    sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main()

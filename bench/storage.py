"""What an event takes on the disk, of the log's table and of each of its indexes."""

from pathlib import Path

import aiosql

from bench.results import Column, Table
from bench.server import Database
from postgres.connections import connect

SQL = aiosql.from_path(Path(__file__).with_suffix(".sql"), "psycopg")


def storage_table(database: Database) -> Table:
    """Measure the log of a database as it is now."""
    with connect(database.owner_url) as connection:
        events, sent_bytes = connection.execute(SQL.sent.sql).fetchone() or (0, 0)
        parts = connection.execute(SQL.parts_of_log.sql).fetchall()
    sizes = {"`data` as it was sent": int(sent_bytes)} | {f"`{name}`": size for name, size in parts}
    sizes["the log in all"] = sum(size for _, size in parts)
    return Table(
        "Storage",
        f"The log's table and its indexes after {events:,} events of one tenant.",
        [Column("part"), Column("bytes/event"), Column("of what was sent", 2)],
        [[part, size / events, size / sent_bytes] for part, size in sizes.items()],
    )

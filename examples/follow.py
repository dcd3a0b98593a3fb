"""Follow a tenant's log into a database of one's own, here SQLite. Needs Python and roundbook-client.

    API_KEY=rb_… python examples/follow.py http://127.0.0.1:8000 mirror.db

The key needs the scope `audit`. `apply` is what you would write yourself. What it writes is committed
together with the position up to which it goes, so that each event takes effect once, whatever is killed
when. See docs/following.md.
"""

import argparse
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import closing, suppress

from roundbook_client import AnsweredError, Client, Entry

TABLES = """
create table if not exists followed (one integer primary key check (one = 1), position integer not null);
insert or ignore into followed values (1, 0);
create table if not exists followed_log (one integer primary key check (one = 1), log_id text not null);
create table if not exists events (position integer primary key, event text not null, entry text not null);
create table if not exists counts (event text primary key, events integer not null);
"""

# Others may read the database meanwhile.
LOCK_TIMEOUT_S = 60.0


def apply(database: sqlite3.Connection, entry: Entry) -> None:
    """Do what an event is followed for: here keep its entry as it is, and count events by type."""
    database.execute(
        "insert into events values (?, ?, ?)", (entry.position, entry.event, entry.text)
    )
    database.execute(
        "insert into counts values (?, 1) on conflict (event) do update set events = events + 1",
        (entry.event,),
    )


def follow(url: str, key: str, database: sqlite3.Connection, to_position: int | None) -> None:
    """Apply the log up to `to_position`, or for ever; outlasts a service that is away.

    Raises SystemExit for an answer that the same request would get again.
    """
    database.executescript(TABLES)
    # Positions are of one log: after a restore from an older backup another one goes on.
    [log_id] = database.execute("select max(log_id) from followed_log").fetchone()
    with Client(url, key=key) as client:
        followed = client.history.follow(
            after=position(database), log_id=log_id, to_position=to_position
        )
        try:
            for entries in followed.batches():
                take(database, entries)
        except AnsweredError as error:
            # 409: the log ends before the position that was followed, or is another one by its id.
            sys.exit(str(error))


def take(database: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Apply entries and move the position, in one transaction: all of it or nothing."""
    with database:
        # From here on no other follower can write.
        database.execute("begin immediate")
        reached = position(database)
        if entries[0].position != reached + 1:
            sys.exit(
                f"after position {reached} came {entries[0].position}: is another follower at work?"
            )
        for entry in entries:
            apply(database, entry)
        last = entries[-1]
        database.execute("update followed set position = ?", (last.position,))
        database.execute("insert or replace into followed_log values (1, ?)", (last.log_id,))


def position(database: sqlite3.Connection) -> int:
    """Return the position up to which events were applied, 0 at the beginning."""
    (reached,) = database.execute("select position from followed").fetchone()
    return int(reached)


def main() -> None:
    """Read the arguments and follow."""
    parser = argparse.ArgumentParser(description="Follow a tenant's log into a SQLite database.")
    parser.add_argument("url", help="The service, as http://127.0.0.1:8000.")
    parser.add_argument("database", help="The file of the database, made where it is missing.")
    parser.add_argument("--to-position", type=int, help="End behind this position of the log.")
    arguments = parser.parse_args()
    key = os.environ.get("API_KEY")
    if not key:
        sys.exit("API_KEY: needs a key with the scope `audit`")
    connection = sqlite3.connect(arguments.database, timeout=LOCK_TIMEOUT_S)
    with closing(connection) as database, suppress(KeyboardInterrupt):
        follow(arguments.url, key, database, arguments.to_position)


if __name__ == "__main__":
    main()

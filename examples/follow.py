"""Follow a tenant's log into a database of one's own, here SQLite. Needs Python and httpx.

    API_KEY=rb_… python examples/follow.py http://127.0.0.1:8000 mirror.db

The key needs the scope `audit`. `apply` is what you would write yourself. What it writes is committed
together with the position up to which it goes, so that each event takes effect once, whatever is killed
when. See docs/following.md.
"""

import argparse
import json
import os
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from decimal import Decimal
from typing import Any, NamedTuple

import httpx

TABLES = """
create table if not exists followed (one integer primary key check (one = 1), position integer not null);
insert or ignore into followed values (1, 0);
create table if not exists followed_log (one integer primary key check (one = 1), log_id text not null);
create table if not exists events (position integer primary key, event text not null, entry text not null);
create table if not exists counts (event text primary key, events integer not null);
"""

# The service says something every few seconds, if only a comment. Longer silence is a dead connection.
SILENCE_S = 30.0
PAUSE_S = 1.0
# Others may read the database meanwhile.
LOCK_TIMEOUT_S = 60.0


class Message(NamedTuple):
    """An event of the log: its position, and its entry as JSON."""

    position: int
    entry: str


def apply(database: sqlite3.Connection, message: Message) -> None:
    """Do what an event is followed for: here keep its entry as it is, and count events by type."""
    # As a float an amount would be rounded.
    entry = json.loads(message.entry, parse_float=Decimal)
    database.execute(
        "insert into events values (?, ?, ?)", (message.position, entry["event"], message.entry)
    )
    database.execute(
        "insert into counts values (?, 1) on conflict (event) do update set events = events + 1",
        (entry["event"],),
    )


def follow(url: str, key: str, database: sqlite3.Connection, to_position: int | None) -> None:
    """Apply the log up to `to_position`, or for ever; outlasts a service that is away.

    Raises SystemExit for an answer that the same request would get again.
    """
    database.executescript(TABLES)
    headers = {"x-api-key": key, "accept": "text/event-stream"}
    asked = {} if to_position is None else {"to_position": to_position}
    with httpx.Client(base_url=url, headers=headers, timeout=SILENCE_S) as service:
        while True:
            try:
                if not listen(service, database, asked):
                    return
            except httpx.TransportError as error:
                print(f"connecting again: {error!r}", file=sys.stderr)
            time.sleep(PAUSE_S)


def listen(service: httpx.Client, database: sqlite3.Connection, asked: dict[str, int]) -> bool:
    """Apply what comes until the connection ends. Return whether more may come."""
    last = {"last-event-id": str(position(database))}
    # Positions are of one log: after a restore from an older backup another one goes on.
    [known] = database.execute("select max(log_id) from followed_log").fetchone()
    guarded = {**asked, **({} if known is None else {"log_id": known})}
    with service.stream("GET", "/api/v1/history", params=guarded, headers=last) as answer:
        if answer.status_code == httpx.codes.NO_CONTENT:
            return False
        if answer.is_server_error or answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            print(f"trying again: {answer.status_code}", file=sys.stderr)
            return True
        if answer.status_code != httpx.codes.OK:
            if may_go_on(database, json.loads(answer.read())):
                return True
            # 409: the log ends before the position that was followed, or is another one by its id.
            sys.exit(f"{answer.status_code}: {answer.text}")
        with database:
            database.execute(
                "insert or ignore into followed_log values (1, ?)", (answer.headers["log-id"],)
            )
        for messages in read_messages(answer.iter_bytes()):
            take(database, messages)
    return True


def may_go_on(database: sqlite3.Connection, problem: dict[str, Any]) -> bool:
    """Return whether a log that goes on as another one is the same up to here, as after a failover.

    Then its id is kept from now on. Else what was applied is in part not in it any more.
    """
    agreed = problem.get("agreed_to")
    if agreed is None or agreed < position(database):
        return False
    with database:
        database.execute("update followed_log set log_id = ?", (problem["log_id"],))
    return True


def read_messages(pieces: Iterable[bytes]) -> Iterator[list[Message]]:
    """Read server-sent events (HTML standard, section 9.2) from the pieces in which they arrive.

    Give together what arrived together: that makes few transactions when there is much, and no delay
    when there is little.
    """
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        told = [_fields(lines) for lines in whole]
        # What has no data is a comment, a sign of life.
        messages = [Message(int(each["id"]), each["data"]) for each in told if "data" in each]
        if messages:
            yield messages


def _fields(lines: bytes) -> dict[str, str]:
    return dict(line.partition(": ")[::2] for line in lines.decode().split("\n"))


def take(database: sqlite3.Connection, messages: list[Message]) -> None:
    """Apply messages and move the position, in one transaction: all of it or nothing."""
    with database:
        # From here on no other follower can write.
        database.execute("begin immediate")
        reached = position(database)
        for message in messages:
            # Without filters positions have no gaps: what was lost or repeated on the way would show here.
            if message.position != reached + 1:
                sys.exit(
                    f"after position {reached} came {message.position}: is another follower at work?"
                )
            apply(database, message)
            reached = message.position
        database.execute("update followed set position = ?", (reached,))


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

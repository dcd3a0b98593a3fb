"""Receive webhooks of Roundbook into a database of one's own, here SQLite. Needs Python and standardwebhooks.

    WEBHOOK_SECRET=whsec_… python examples/receive.py 127.0.0.1:8080 received.db

`apply` is what you would write yourself. What it writes is committed together with the id of the message,
before the answer is sent: a message that comes again, as one does whose answer was lost, takes effect once.
While a secret is changed, WEBHOOK_SECRET may hold both, separated by a space. See docs/webhooks.md.
"""

import argparse
import json
import os
import sqlite3
from contextlib import closing
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

TABLES = """
create table if not exists seen (id text primary key);
create table if not exists events (tenant text, position integer, type text, data text);
"""

LONGEST_BODY = 2 * 1024 * 1024
# Others may write at the same time.
LOCK_TIMEOUT_S = 60.0


def apply(database: sqlite3.Connection, message: dict[str, Any], text: str) -> None:
    """Do what an event is received for: here keep it as it is, and forget what was erased."""
    tenant = message["tenant"]
    database.execute(
        "insert into events values (?, ?, ?, ?)",
        (tenant, message["position"], message["type"], text),
    )
    if message["event"] == "erased":
        for place in message["data"]["positions"]:
            first, last = (place, place) if isinstance(place, int) else place
            database.execute(
                "update events set data = null where tenant = ? and position between ? and ?",
                (tenant, first, last),
            )


def receive(database: sqlite3.Connection, id_: str, text: str) -> None:
    """Apply a message, unless it was applied before: all in one transaction."""
    # As a float an amount would be rounded.
    message = json.loads(text, parse_float=Decimal)
    with database:
        known = database.execute("insert or ignore into seen values (?)", (id_,)).rowcount == 0
        if not known:
            apply(database, message, text)


class Handler(BaseHTTPRequestHandler):
    """Takes what is signed, and answers when it is kept."""

    protocol_version = "HTTP/1.1"
    secrets: list[Webhook]
    path_of_database: str

    def do_POST(self) -> None:
        """Receive one message."""
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True
            self.answer(411)
            return
        if len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
            self.close_connection = True
            self.answer(413)
            return
        body = self.rfile.read(int(length))
        headers = dict(self.headers.items())
        if not any(is_signed(secret, body, headers) for secret in self.secrets):
            self.answer(401)
            return
        with closing(sqlite3.connect(self.path_of_database, timeout=LOCK_TIMEOUT_S)) as database:
            receive(database, self.headers["webhook-id"], body.decode())
        self.answer(204)

    def answer(self, status: int) -> None:
        """Answer without a body."""
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", "0")
        self.end_headers()


def is_signed(secret: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    """Return whether a message is signed by a secret, and not older than five minutes."""
    try:
        secret.verify(body, headers, json_parse=False)
    except WebhookVerificationError:
        return False
    return True


def main() -> None:
    """Receive until told to stop."""
    parser = argparse.ArgumentParser(description="Receive webhooks of Roundbook into SQLite.")
    parser.add_argument("address", help="where to listen, as 127.0.0.1:8080")
    parser.add_argument("database", help="the file of the database")
    arguments = parser.parse_args()
    host, _, port = arguments.address.rpartition(":")
    with closing(sqlite3.connect(arguments.database)) as database:
        database.execute("pragma journal_mode = wal")
        database.executescript(TABLES)
    Handler.secrets = [Webhook(secret) for secret in os.environ["WEBHOOK_SECRET"].split()]
    Handler.path_of_database = arguments.database
    with ThreadingHTTPServer((host, int(port)), Handler) as server:
        print(f"Receiving on http://{host}:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()

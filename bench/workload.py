"""What is sent: the same items for every cell of a table, made from a seed."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice

from app.recording import Prepared, prepare
from app.simulation import Scenario, batches, simulate
from app.wire.currencies import ISO_4217
from app.wire.items import decode_batch

BATCH = 10_000

# With so many players, about a thousand play at once: a batch of 10,000 items is for a thousand streams.
_PLAYERS = 500_000
_GAMES = 300
_CELLS = Scenario(players=_PLAYERS, games=_GAMES, seed=1)
_LONG_RUN = Scenario(players=_PLAYERS, games=_GAMES, seed=2)


def first_items(events: int) -> list[str]:
    """Give the items that every cell sends, each to a tenant of its own."""
    return list(simulate(_CELLS, events))


def bodies(items: Sequence[str], batch: int, most: int) -> list[bytes]:
    """Pack the items into at most `most` full bodies."""
    return list(batches(islice(items, len(items) // batch * batch), batch))[:most]


def long_run(batch: int = BATCH) -> Iterator[bytes]:
    """Give full bodies without end, for the growth of one log."""
    return batches(simulate(_LONG_RUN, sys.maxsize), batch)


def read(body: bytes) -> Prepared:
    """Do to a body what the service does before it locks the log."""
    return prepare(decode_batch(body, currencies=ISO_4217, now=datetime.now(UTC)))


def logins(player_id: str, serials: Iterable[int]) -> bytes:
    """Give a body of logins of one player."""
    return next(
        batches(
            (
                f'{{"event":"login","data":{{"unique_id":"login/{serial}",'
                f'"timestamp":"2025-01-15T12:00:00Z","player_id":"{player_id}"}}}}'
                for serial in serials
            ),
            BATCH,
        )
    )

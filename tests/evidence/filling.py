"""Logs of many made-up events, as the service records them."""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from app.log.heads import StreamHeads
from app.recording.commit import commit
from app.recording.prepare import prepare
from app.wire.items import Item
from domain.streams import game_stream, player_stream
from postgres.connections import Pool

_BEGIN = datetime(2025, 1, 15, 12, tzinfo=UTC)


def items(*, players: int = 1_000, first: int = 0) -> Iterator[Item]:
    """Make up items without end: bets and wins, and now and then one of each other kind."""
    for n in itertools.count(first):
        player, at = f"p-{n * 7919 % players}", _BEGIN + timedelta(milliseconds=n)
        head = f'{{"unique_id":"u-{n}","timestamp":"{at.isoformat()[:-6]}Z"'
        kind, stream = "BetPlaced", player_stream(player)
        if n % 50 == 7:
            kind, rest = "LoggedIn", f',"player_id":"{player}"}}'
        elif n % 50 == 17:
            kind, rest = "PlayerUpdated", f',"player_id":"{player}","country":"SE"}}'
        elif n % 50 == 27:
            kind, rest = "GameUpdated", f',"game_id":"g-{n % 30}","name":"Sunrise"}}'
            stream = game_stream(f"g-{n % 30}")
        elif n % 50 == 37:
            kind = "Deposited"
            rest = f',"player_id":"{player}","amount":25.00,"currency":"EUR","method":"card"}}'
        else:
            kind = "WinPaid" if n % 2 else "BetPlaced"
            rest = (
                f',"player_id":"{player}","game_id":"g-{n % 30}","round_id":"r-{n // 4}","amount":59.23,'
                f'"currency":"EUR","is_win":{"true" if n % 2 else "false"},"is_bonus":false}}'
            )
        yield Item(f"u-{n}", kind, stream, at, (head + rest).encode())


def fill(pool: Pool, tenant_id: int, source: Iterator[Item], events: int) -> None:
    """Record some more of them, in commits of up to 5,000."""
    heads = StreamHeads()
    while events > 0:
        batch = list(itertools.islice(source, min(events, 5_000)))
        commit(pool, tenant_id, prepare(batch), heads)
        events -= len(batch)

"""Large batches of amounts that are written as long as can be, or that have too many digits."""

from multiprocessing.synchronize import Event

from bench.fairness.posting import post_until

_ITEMS = 1_600


def abuse(url: str, key: str, stop: Event) -> None:
    """Post batches of 16 MB whose amounts have 9,900 characters, until `stop` is set."""
    amounts = ["1" + "0" * 9_890 + "e-9890", "0." + "1" * 9_900, "1e" + "0" * 9_890 + "1"]
    bodies = [_batch(amount) for amount in amounts]
    post_until(stop, url, key, lambda number, nth: bodies[(number + nth) % len(bodies)])


def _batch(amount: str) -> bytes:
    items = ",".join(
        f'{{"event":"deposit","data":{{"unique_id":"long-{index}","player_id":"p",'
        f'"timestamp":"2025-01-15T12:00:00Z","amount":{amount},"currency":"EUR","method":"m"}}}}'
        for index in range(_ITEMS)
    )
    return f'{{"items":[{items}]}}'.encode()

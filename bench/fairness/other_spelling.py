"""Large batches that repeat what is recorded with every number spelled otherwise."""

from multiprocessing.synchronize import Event

from bench.fairness.posting import post_until

_ITEMS = 60
_NUMBERS = 40_000


def abuse(url: str, key: str, stop: Event) -> None:
    """Post the same 15 MB in two spellings in turn, each connection its own, until `stop` is set."""

    def body(number: int, nth: int) -> bytes:
        spelled = ",".join(["1e0" if nth % 2 else "1.0"] * _NUMBERS)
        items = ",".join(
            f'{{"event":"login","data":{{"unique_id":"spelled-{number}-{index}","player_id":"p",'
            f'"timestamp":"2025-01-15T12:00:00Z","x":[{spelled}]}}}}'
            for index in range(_ITEMS)
        )
        return f'{{"items":[{items}]}}'.encode()

    post_until(stop, url, key, body)

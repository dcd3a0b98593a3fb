"""What the parts of a benchmark have in common."""

from collections.abc import Callable
from typing import NamedTuple

from bench.results import Table

Say = Callable[[str], None]


class Options(NamedTuple):
    """How much is measured. `seconds` is how long one round of one cell sends, `events` how many at most.

    In events: `projected` are caught up with and rebuilt, `sustained` sent at `rate` (events/s), `past` are
    those of the busy player, `size` those in the log when queries or proofs are asked for; `verified` are
    verified. Beside them `tenants` do nothing, and `listeners` follow a log.
    """

    rounds: int
    seconds: float
    events: int
    batches: int
    workers: int
    projected: int
    sustained: int
    rate: int
    past: int
    size: int
    verified: int
    tenants: int
    listeners: int


class Part(NamedTuple):
    """What a part found: tables, and the single measurements behind their medians."""

    tables: list[Table]
    rounds: dict[str, list[float]]

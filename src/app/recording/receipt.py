"""What became of a batch."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Outcome = Literal["stored", "duplicate", "conflict"]


class ReceiptItem(Struct, frozen=True, gc=False):
    """What became of one item. `position` is that of the event recorded under its unique_id."""

    unique_id: str
    outcome: Outcome
    position: int


class Receipt(Struct, frozen=True):
    """What became of a batch, its items in the order sent.

    Once a read model has reached `log_position`, the whole batch is visible in it.
    """

    stored: int
    duplicate: int
    conflict: int
    log_position: int
    items: list[ReceiptItem]


class Recorded(Struct, frozen=True):
    """What became of a batch, in columns: most clients ask for no receipt, and none is written for them."""

    unique_ids: Sequence[str]
    outcomes: Sequence[Outcome]
    positions: Sequence[int]
    log_position: int

    def count(self, outcome: Outcome) -> int:
        """Return how many items came out so."""
        return self.outcomes.count(outcome)

    def receipt(self) -> Receipt:
        """Write the receipt."""
        columns = zip(self.unique_ids, self.outcomes, self.positions, strict=True)
        return Receipt(
            self.count("stored"),
            self.count("duplicate"),
            self.count("conflict"),
            self.log_position,
            [ReceiptItem(*item) for item in columns],
        )

    def split(self, sizes: Sequence[int]) -> "list[Recorded]":
        """Give each of several batches that were recorded as one, of these sizes, its own."""
        parts, start = [], 0
        for size in sizes:
            part = slice(start, start + size)
            parts.append(
                Recorded(
                    self.unique_ids[part],
                    self.outcomes[part],
                    self.positions[part],
                    self.log_position,
                )
            )
            start += size
        return parts

"""What became of a batch."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

Outcome = Literal["stored", "duplicate", "conflict"]


class ReceiptItem(Struct, frozen=True, gc=False):
    """What became of one item. `position` is that of the event that stands for its unique_id."""

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

    @classmethod
    def of(cls, items: list[ReceiptItem], log_position: int) -> "Receipt":
        """Count the outcomes."""
        outcomes = [item.outcome for item in items]
        return cls(
            outcomes.count("stored"),
            outcomes.count("duplicate"),
            outcomes.count("conflict"),
            log_position,
            items,
        )

    def split(self, sizes: Sequence[int]) -> "list[Receipt]":
        """Give each of several batches that were recorded as one, of these sizes, its own receipt."""
        receipts, start = [], 0
        for size in sizes:
            receipts.append(Receipt.of(self.items[start : start + size], self.log_position))
            start += size
        return receipts

"""What can be wrong with a batch that is JSON: faults with pointers, collected and counted."""

from msgspec import Struct

MAX_REPORTED_FAULTS = 1_000


class Fault(Struct, frozen=True, gc=False):
    """One thing that is wrong: where (an RFC 6901 JSON Pointer), what (stable, for programs), and why."""

    pointer: str
    code: str
    detail: str


class TooManyItemsError(Exception):
    """The batch holds more items than one request may."""

    def __init__(self, limit_items: int) -> None:
        """Keep the limit, in items."""
        super().__init__(f"the batch holds more than {limit_items:,} items")
        self.limit_items = limit_items


class InvalidItemsError(Exception):
    """The batch is not as the contract wants it: the first faults, and how many there are in all."""

    def __init__(self, faults: list[Fault], total: int) -> None:
        """Keep the faults, in the order of the batch, and their count before the cut."""
        super().__init__(f"{total} faults, the first at {faults[0].pointer!r}: {faults[0].detail}")
        self.faults = faults
        self.total = total


class Faults:
    """Collects the faults of a batch: counts them all, keeps the first 1,000."""

    def __init__(self) -> None:
        self.first: list[Fault] = []
        self.total = 0

    def add(self, pointer: str, code: str, detail: str) -> None:
        """Note a fault."""
        self.total += 1
        if self.total <= MAX_REPORTED_FAULTS:
            self.first.append(Fault(pointer, code, detail))

    def raise_any(self) -> None:
        """Raise InvalidItemsError if a fault was noted."""
        if self.total:
            raise InvalidItemsError(self.first, self.total)

"""What became of a batch, of the items that are left out of it too."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import astuple

from app.recording import Outcome, Receipt, Recorded
from app.wire.faults import Fault
from app.wire.forms import LeftOut

AnyOutcome = Outcome | Literal["invalid", "ignored"]
"""`invalid` items are left out for their faults, `ignored` ones tell nothing that is recorded."""


class LenientItem(Struct, frozen=True, gc=False):
    """What became of one item, as `app.recording.ReceiptItem` says it, or why it is left out.

    Then it has no position; `unique_id` is null where it has none that is one.
    """

    unique_id: str | None
    outcome: AnyOutcome
    position: int | None = None
    leaf_hash: str | UnsetType = UNSET
    salt: str | UnsetType = UNSET
    faults: list[Fault] | UnsetType = UNSET


class LenientReceipt(Struct, frozen=True):
    """What became of a batch, its items in the order sent, those that are left out too.

    Once a read model has reached `log_position`, all that is recorded is visible in it.
    """

    stored: int
    duplicate: int
    conflict: int
    invalid: int
    ignored: int
    log_position: int
    items: list[LenientItem]


class Taken(NamedTuple):
    """What became of the items that are valid, and what is left out."""

    recorded: Recorded
    left_out: Sequence[LeftOut] = ()

    def count(self, outcome: AnyOutcome) -> int:
        """Return how many items came out so."""
        if outcome in {"stored", "duplicate", "conflict"}:
            return self.recorded.outcomes.count(outcome)
        return sum(_outcome(each) == outcome for each in self.left_out)

    def receipt(self) -> Receipt:
        """Write the receipt of a batch out of which nothing can be left."""
        return self.recorded.receipt()

    def lenient_receipt(self) -> LenientReceipt:
        """Write the receipt with what is left out."""
        recorded = self.recorded.receipt()
        left_out = {each.at: _left_out(each) for each in self.left_out}
        others = (LenientItem(*astuple(each)) for each in recorded.items)
        places = range(len(recorded.items) + len(left_out))
        items = [left_out.get(at) or next(others) for at in places]
        return LenientReceipt(
            recorded.stored,
            recorded.duplicate,
            recorded.conflict,
            self.count("invalid"),
            self.count("ignored"),
            recorded.log_position,
            items,
        )


def _left_out(each: LeftOut) -> LenientItem:
    return LenientItem(each.unique_id, _outcome(each), faults=each.faults or UNSET)


def _outcome(each: LeftOut) -> Literal["invalid", "ignored"]:
    return "invalid" if each.faults else "ignored"

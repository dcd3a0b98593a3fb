"""Recording a batch: what is new goes into the log, what repeats is recognised, what contradicts is kept.

`prepare` does what needs no lock, `commit` is one transaction for one tenant. A batch can be sent again
as it is, whatever became of it before.
"""

from app.recording.commit import commit, record
from app.recording.foreseeing import foresee
from app.recording.judge import KeyCollisionError
from app.recording.prepare import Prepared, prepare
from app.recording.receipt import Outcome, Receipt, ReceiptItem, Recorded

__all__ = [
    "KeyCollisionError",
    "Outcome",
    "Prepared",
    "Receipt",
    "ReceiptItem",
    "Recorded",
    "commit",
    "foresee",
    "prepare",
    "record",
]

"""The contract's log and read models a second time, as naive as can be, to hold the service against.

Written from the contract alone: nothing of `src` is imported. `Model` takes the same batches as the
service; `assert_same` compares what the service answers with what the model says.
"""

from tests.model.compare import assert_same, normalise
from tests.model.log import Entry, Receipt
from tests.model.tenant import Model
from tests.model.values import Number, Ratio, Row, instant, read_json

__all__ = [
    "Entry",
    "Model",
    "Number",
    "Ratio",
    "Receipt",
    "Row",
    "assert_same",
    "instant",
    "normalise",
    "read_json",
]

"""Ingest in the OpenAPI document: a batch, with an example of each type of item, and the answers to it."""

from base64 import b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar

from litestar.openapi.spec import (
    Example,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIType
from msgspec import UNSET, Struct

from api.documentation.headers import OF_CHECKS, OF_INGEST
from api.documentation.operations import NEEDS_KEY
from api.documentation.shapes import Written, ref, written_as
from app.intake.receipts import LenientItem, LenientReceipt
from app.recording import Receipt, ReceiptItem
from app.wire.items import Fault
from domain.evidence.leaves import SALT_BYTES
from domain.item_types import ITEM_TYPES

_EXAMPLE = {
    "items": [
        {"event": wire_type, "data": item_type.example}
        for wire_type, item_type in ITEM_TYPES.items()
    ]
}
_RECEIPT = Receipt(
    stored=len(ITEM_TYPES),
    duplicate=0,
    conflict=0,
    log_position=484 + len(ITEM_TYPES),
    items=[
        ReceiptItem(
            str(item_type.example["unique_id"]),
            "stored",
            position,
            leaf_hash=b64encode(sha256(item_type.wire_type.encode()).digest()).decode(),
            salt=bytes(range(SALT_BYTES)).hex() if item_type.personal else UNSET,
        )
        for position, item_type in enumerate(ITEM_TYPES.values(), 485)
    ],
)

_PREFER = Parameter(
    name="Prefer",
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING),
    description="`return=representation` (RFC 7240) asks for the receipt: what became of each item, and at"
    " which position of the log it is. `handling=lenient` leaves invalid items out, `handling=strict` refuses"
    " a batch with any. What was honoured is told in `Preference-Applied`.",
    example="return=representation",
)

_ENCODING = Parameter(
    name="Content-Encoding",
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING, enum=["gzip", "zstd"]),
    description="How the body is compressed, if it is.",
)

_BODY = RequestBody(
    required=True,
    description="A batch of 0 to 10,000 items, any mix of types, any order. It may be sent with"
    " Content-Encoding gzip or zstd.",
    content={
        "application/json": OpenAPIMediaType(
            schema=Written(written=ref("Batch")),
            examples={"one of each type": Example(value=_EXAMPLE)},
        )
    },
)
_CHECKED = LenientReceipt(
    stored=1,
    duplicate=0,
    conflict=0,
    invalid=1,
    ignored=0,
    log_position=485,
    items=[
        LenientItem("bet-r8", "stored", 485),
        LenientItem(
            "bet-r9",
            "invalid",
            faults=[Fault("/items/1/data/amount", "wrong_type", "must be a number")],
        ),
    ],
)


@dataclass
class CheckOperation(Operation):
    """The operation that tells what would become of a batch."""

    def __post_init__(self) -> None:
        """Add the body and an example of the answer."""
        self.security = NEEDS_KEY
        self.parameters = [*(self.parameters or []), _ENCODING]
        self.request_body = _BODY
        told = (self.responses or {})["200"]
        if isinstance(told, OpenAPIResponse) and told.content:
            told.description = "The receipt that the batch would get now."
            told.content["application/json"].examples = {"receipt": Example(value=_CHECKED)}
            told.headers = {**OF_CHECKS}


@dataclass
class IngestOperation(Operation):
    """The operation of ingest, with its body, which Litestar can't know: it is read by hand."""

    BODY: ClassVar[RequestBody] = _BODY
    RECEIPT: ClassVar[Struct] = _RECEIPT
    RECEIPTS: ClassVar[tuple[type[Struct], ...]] = (Receipt, LenientReceipt)

    def __post_init__(self) -> None:
        """Add the body and the headers of an answer."""
        self.security = NEEDS_KEY
        self.parameters = [*(self.parameters or []), _PREFER, _ENCODING]
        self.request_body = self.BODY
        recorded = OpenAPIResponse(description="Every item is recorded, durably.")
        asked = "The same, asked for with `Prefer: return=representation`: the receipt."
        self.responses = {"204": recorded, **(self.responses or {})}
        with_receipt = self.responses["200"]
        if isinstance(with_receipt, OpenAPIResponse) and with_receipt.content:
            with_receipt.description = asked
            content = with_receipt.content["application/json"]
            content.schema = written_as(*self.RECEIPTS)
            content.examples = {"receipt": Example(value=self.RECEIPT)}
            recorded.headers = {**OF_INGEST}
            with_receipt.headers = {**OF_INGEST}

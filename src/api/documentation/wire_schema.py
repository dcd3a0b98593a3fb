"""Ingest in the OpenAPI document: a batch, with an example of each type of item, and the answers to it."""

from base64 import b64encode
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import ClassVar, cast

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import (
    Example,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Parameter,
    RequestBody,
    Schema,
)
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from msgspec import UNSET, Struct

from api.documentation.operations import NEEDS_KEY, Problem, RateLimited, log_id_header
from api.http.problems import MEDIA_TYPE
from app.intake.receipts import LenientItem, LenientReceipt
from app.recording import Receipt, ReceiptItem
from app.wire.items import Fault
from app.wire.rules import MAX_ELEMENTS, MAX_NUMBER_CHARACTERS, MAX_RATIO
from domain.evidence.leaves import SALT_BYTES
from domain.item_types import ITEM_TYPES, ItemType, Kind, Member

_OF_KIND: dict[Kind, Schema] = {
    Kind.ID: Schema(type=OpenAPIType.STRING, min_length=1, max_length=255),
    Kind.TIMESTAMP: Schema(
        type=OpenAPIType.STRING,
        format=OpenAPIFormat.DATE_TIME,
        description="RFC 3339. Without an offset it is UTC; at most 24 hours in the future.",
    ),
    Kind.TEXT: Schema(type=OpenAPIType.STRING),
    Kind.TEXTS: Schema(
        type=OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING), max_items=MAX_ELEMENTS
    ),
    Kind.FLAG: Schema(type=OpenAPIType.BOOLEAN),
    Kind.AMOUNT: Schema(
        type=OpenAPIType.NUMBER,
        minimum=0,
        description="Read exactly from its digits: up to 20 before and 18 after the point, in up to"
        f" {MAX_NUMBER_CHARACTERS:,} characters.",
    ),
    Kind.RATIO: Schema(
        type=OpenAPIType.NUMBER,
        minimum=0,
        maximum=MAX_RATIO,
        description="A ratio: 0.96 is 96 %. Read exactly from its digits, like an amount.",
    ),
    Kind.CURRENCY: Schema(
        type=OpenAPIType.STRING,
        description="An ISO 4217 code, or one that is allowed for the tenant.",
    ),
    Kind.DAY_OR_TIMESTAMP: Schema(
        type=OpenAPIType.STRING, description="An RFC 3339 date or timestamp."
    ),
}


def _value(member: Member) -> Schema:
    schema = _OF_KIND[member.kind]
    if member.choices:
        schema = replace(schema, enum=[*member.choices])
    if member.required:
        return schema
    choices = [*schema.enum, None] if schema.enum else None
    return replace(schema, type=[cast("OpenAPIType", schema.type), OpenAPIType.NULL], enum=choices)


def _item(item_type: ItemType) -> Schema:
    data = Schema(
        type=OpenAPIType.OBJECT,
        required=[member.name for member in item_type.members if member.required],
        properties={member.name: _value(member) for member in item_type.members},
        description="Other members are accepted and kept. As sent it has at most 256 KiB, unless the"
        " operator says otherwise (`too-large`).",
    )
    event = Schema(type=OpenAPIType.STRING, const=item_type.wire_type)
    return Schema(
        type=OpenAPIType.OBJECT,
        title=item_type.wire_type,
        required=["event", "data"],
        properties={"event": event, "data": data},
    )


_BATCH = Schema(
    type=OpenAPIType.OBJECT,
    title="Batch",
    required=["items"],
    properties={
        "items": Schema(
            type=OpenAPIType.ARRAY,
            max_items=10_000,
            items=Schema(one_of=[*map(_item, ITEM_TYPES.values())]),
        )
    },
)


class InvalidItems(Problem, frozen=True):
    """Faults of items, up to 1,000 of a request at once."""

    errors: list[Fault]


def _problem(description: str, kind: type[Problem] = Problem) -> ResponseSpec:
    return ResponseSpec(
        kind, generate_examples=False, description=description, media_type=MEDIA_TYPE
    )


INGEST_PROBLEMS = {
    400: _problem(
        "The body is not JSON in UTF-8, not what its Content-Encoding says, or never whole."
    ),
    403: _problem(
        "The key does not allow this; nothing is told of what exists. Or the tenant is closed"
        " (`tenant-closed`); nothing is recorded."
    ),
    408: _problem("The body took too long to arrive, or brought too little for some seconds."),
    413: _problem("More bytes or more items than one request may hold."),
    415: _problem("Another content type or encoding."),
    422: _problem("One or more items are invalid; nothing is recorded.", InvalidItems),
    429: _problem(
        "A rate limit of the tenant or the key is reached, in requests, items or bytes; nothing is recorded."
        " The same batch can be sent again as it is: `Retry-After` says when.",
        RateLimited,
    ),
    503: _problem(
        "The store did not confirm the batch in time, so it may be recorded or not; or the service has no"
        " room for it, or starts, or only reads (`read-only`: nothing is recorded, send it to another host)."
        " The same batch can be sent again as it is: `Retry-After` says when."
    ),
}
"""The problems that a batch can be answered with."""

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

_HEADERS = {
    "Events-Stored": "How many items were recorded by this request.",
    "Events-Duplicate": "How many were recorded before, with the same content.",
    "Events-Conflict": "How many were refused: something else is recorded under their unique_id.",
    "Events-Invalid": "How many were left out for their faults; where that may be.",
    "Events-Ignored": "How many tell nothing that is recorded; where that may be.",
    "Log-Position": "Once a read model has reached it, the whole batch is visible in it.",
}


_BODY = RequestBody(
    required=True,
    description="A batch of 0 to 10,000 items, any mix of types, any order. It may be sent with"
    " Content-Encoding gzip or zstd.",
    content={
        "application/json": OpenAPIMediaType(
            schema=_BATCH,
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
        self.request_body = _BODY
        told = (self.responses or {})["200"]
        if isinstance(told, OpenAPIResponse) and told.content:
            told.description = "The receipt that the batch would get now."
            told.content["application/json"].examples = {"receipt": Example(value=_CHECKED)}
            told.headers = {
                "Log-Position": OpenAPIHeader(
                    schema=Schema(type=OpenAPIType.INTEGER),
                    description="The position of the log up to which it was looked at.",
                ),
                "Log-Id": log_id_header(),
            }


@dataclass
class IngestOperation(Operation):
    """The operation of ingest, with its body, which Litestar can't know: it is read by hand."""

    BODY: ClassVar[RequestBody] = _BODY
    RECEIPT: ClassVar[Struct] = _RECEIPT

    def __post_init__(self) -> None:
        """Add the body and the headers of an answer."""
        self.security = NEEDS_KEY
        self.parameters = [*(self.parameters or []), _PREFER]
        self.request_body = self.BODY
        recorded = OpenAPIResponse(description="Every item is recorded, durably.")
        asked = "The same, asked for with `Prefer: return=representation`: the receipt."
        self.responses = {"204": recorded, **(self.responses or {})}
        with_receipt = self.responses["200"]
        if isinstance(with_receipt, OpenAPIResponse) and with_receipt.content:
            with_receipt.description = asked
            with_receipt.content["application/json"].examples = {
                "receipt": Example(value=self.RECEIPT)
            }
            recorded.headers = with_receipt.headers = {
                **{
                    name: OpenAPIHeader(schema=Schema(type=OpenAPIType.INTEGER), description=about)
                    for name, about in _HEADERS.items()
                },
                "Log-Id": log_id_header(),
            }

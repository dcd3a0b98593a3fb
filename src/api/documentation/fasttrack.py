"""Ingest in Fast Track's dialect in the OpenAPI document: what is read of each payload, with an example."""

from collections.abc import Mapping
from typing import Any

from litestar.openapi.spec import Example, OpenAPIMediaType, Reference, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType

from api.documentation.wire_schema import IngestOperation
from app.intake.receipts import LenientItem, LenientReceipt
from app.wire.fasttrack import MEMBERS
from domain.fasttrack import CASINO_TYPES, IDS, PAYMENT_TYPES, Payload

_STRING = Schema(type=OpenAPIType.STRING)
_ID = Schema(
    type=[OpenAPIType.STRING, OpenAPIType.INTEGER],
    description="Up to 255 characters; a whole number is the same as its digits.",
)
_AMOUNT = Schema(
    type=[OpenAPIType.NUMBER, OpenAPIType.STRING],
    description="0 or more, read exactly from its digits; a string of a number is fine.",
)
_TIME = Schema(
    type=OpenAPIType.STRING,
    format=OpenAPIFormat.DATE_TIME,
    description="RFC 3339. An hour may have one digit; without an offset it is UTC.",
)
_FLAG = Schema(type=OpenAPIType.BOOLEAN)
_ENTRIES = Schema(
    type=[OpenAPIType.ARRAY, OpenAPIType.OBJECT],
    description="Objects of a `type` and whether it is given, or an object of flags by name.",
)
_VALUES: Mapping[str, Schema] = {
    **dict.fromkeys(("user_id", "game_id", "round_id", "vendor_name"), _ID),
    **dict.fromkeys(("amount", "bonus_wager_amount", "base_amount"), _AMOUNT),
    **dict.fromkeys(("timestamp", "registration_date"), _TIME),
    **dict.fromkeys(("consents", "blocks"), _ENTRIES),
    "is_blocked": _FLAG,
    "roles": Schema(type=OpenAPIType.ARRAY, items=_STRING),
}
_TYPES: Mapping[Payload, tuple[str, ...]] = {
    "realtime-casino": CASINO_TYPES,
    "realtime-payment": PAYMENT_TYPES,
}


def _payload(payload: Payload) -> Schema:
    ids = IDS.get(payload, ("unique_id",))
    needed = [ids[0]] if payload in IDS else []
    needed += [member.name for member in MEMBERS[payload] if member.required]
    properties: dict[str, Reference | Schema] = dict.fromkeys(ids, _ID)
    properties |= {each.name: _VALUES.get(each.name, _STRING) for each in MEMBERS[payload]}
    if payload in _TYPES:
        names = ", ".join(_TYPES[payload])
        properties["type"] = Schema(type=OpenAPIType.STRING, description=f"{names}; in any case.")
    if payload == "realtime-payment":
        needed.append("status")
        about = "`approved`, in any case; a payment of another status is ignored."
        properties["status"] = Schema(type=OpenAPIType.STRING, description=about)
    data = Schema(
        type=OpenAPIType.OBJECT,
        required=needed,
        properties=properties,
        description="Other members are accepted and kept.",
    )
    return Schema(
        type=OpenAPIType.OBJECT,
        title=payload,
        required=["event", "data"],
        properties={"event": Schema(type=OpenAPIType.STRING, const=payload), "data": data},
    )


_ITEMS = Schema(
    type=OpenAPIType.ARRAY, max_items=10_000, items=Schema(one_of=[*map(_payload, MEMBERS)])
)
_BATCH = Schema(
    one_of=[
        _ITEMS,
        Schema(type=OpenAPIType.OBJECT, required=["items"], properties={"items": _ITEMS}),
    ]
)


def _example(event: Payload, **data: Any) -> dict[str, Any]:
    return {"event": event, "data": {"user_id": "example-user", **data}}


_BET: dict[str, Any] = {
    "game_id": "example/sunset",
    "round_id": "example-round-2",
    "currency": "EUR",
}
_EXAMPLE = [
    _example("login", timestamp="2025-02-02T9:05:00Z", origin="sub.example.com"),
    _example(
        "realtime-payment",
        payment_id="example-payment-1",
        timestamp="2025-02-02T09:06:00Z",
        type="Credit",
        status="Approved",
        amount=100,
        currency="EUR",
        base_amount=100,
        vendor_name="Credit Card",
    ),
    _example(
        "realtime-casino",
        unique_id="example-casino-1",
        timestamp="2025-02-02T09:07:00Z",
        type="Bet",
        amount=2.5,
        bonus_wager_amount=0.5,
        **_BET,
    ),
    _example(
        "realtime-casino",
        unique_id="example-casino-2",
        timestamp="2025-02-02T09:07:01Z",
        type="Loss",
        amount=0,
        **_BET,
    ),
]


class FastTrackOperation(IngestOperation):
    """The operation of ingest in this dialect, with its body and its receipt."""

    BODY = RequestBody(
        required=True,
        description="Up to 10,000 payloads, as an array or as `items` of an object. They may be sent with"
        " Content-Encoding gzip or zstd.",
        content={
            "application/json": OpenAPIMediaType(
                schema=_BATCH, examples={"a visit": Example(value=_EXAMPLE)}
            )
        },
    )
    RECEIPT = LenientReceipt(
        stored=1,
        duplicate=0,
        conflict=0,
        invalid=0,
        ignored=1,
        log_position=485,
        items=[
            LenientItem("example-casino-1", "stored", 485),
            LenientItem("example-payment-1", "ignored"),
        ],
    )

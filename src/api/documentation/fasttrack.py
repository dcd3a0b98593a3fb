"""Ingest in Fast Track's dialect in the OpenAPI document, with an example."""

from typing import Any

from litestar.openapi.spec import Example, OpenAPIMediaType, RequestBody

from api.documentation.shapes import Written, ref
from api.documentation.wire_schema import IngestOperation
from app.intake.receipts import LenientItem, LenientReceipt
from domain.fasttrack import Payload


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
                schema=Written(written=ref("FastTrackBatch")),
                examples={"a visit": Example(value=_EXAMPLE)},
            )
        },
    )
    RECEIPTS = (LenientReceipt,)
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

"""Ingest in the OpenAPI document: a batch, with an example of each type of item, and the answers to it."""

from dataclasses import dataclass
from typing import Any

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

from api.documentation.operations import NEEDS_KEY, Problem
from api.http.problems import MEDIA_TYPE
from app.recording import Receipt, ReceiptItem
from app.wire.items import Fault

_ID = Schema(type=OpenAPIType.STRING, min_length=1, max_length=255)
_TIMESTAMP = Schema(
    type=OpenAPIType.STRING,
    format=OpenAPIFormat.DATE_TIME,
    description="RFC 3339. Without an offset it is UTC; at most 24 hours in the future.",
)
_AMOUNT = Schema(
    type=OpenAPIType.NUMBER,
    minimum=0,
    description="Read exactly from its digits: up to 20 before and 18 after the point.",
)
_CURRENCY = Schema(
    type=OpenAPIType.STRING, description="An ISO 4217 code, or one that is allowed for the tenant."
)
_FLAG = Schema(type=OpenAPIType.BOOLEAN)


def _or_null(kind: OpenAPIType, **more: Any) -> Schema:
    return Schema(type=[kind, OpenAPIType.NULL], **more)


_TEXT_OR_NULL = _or_null(OpenAPIType.STRING)
_TEXTS_OR_NULL = _or_null(OpenAPIType.ARRAY, items=Schema(type=OpenAPIType.STRING))
_FLAG_OR_NULL = _or_null(OpenAPIType.BOOLEAN)

_PLAYER = {"unique_id": _ID, "timestamp": _TIMESTAMP, "player_id": _ID}
_MONEY = {"amount": _AMOUNT, "currency": _CURRENCY}

# event: (required members, optional members, an example of `data`). Whoever tries the examples out sends
# them: they have ids, a player, a game and a day of their own, so that they change no other figures.
_EVENTS: dict[str, tuple[dict[str, Schema], dict[str, Schema], dict[str, object]]] = {
    "gameround": (
        {**_PLAYER, "game_id": _ID, "round_id": _ID, **_MONEY, "is_win": _FLAG, "is_bonus": _FLAG},
        {},
        {
            "unique_id": "example-bet-1",
            "timestamp": "2025-02-01T12:00:00.250Z",
            "player_id": "example-player",
            "game_id": "example/sunrise",
            "round_id": "example-round-1",
            "amount": 0.5,
            "currency": "EUR",
            "is_win": False,
            "is_bonus": False,
        },
    ),
    "deposit": (
        {**_PLAYER, **_MONEY, "method": _ID},
        {"amount_eur": _or_null(OpenAPIType.NUMBER, minimum=0)},
        {
            "unique_id": "example-deposit-1",
            "timestamp": "2025-02-01T11:58:00Z",
            "player_id": "example-player",
            "amount": 500.5,
            "amount_eur": 43.21,
            "currency": "SEK",
            "method": "Swish",
        },
    ),
    "withdraw": (
        {**_PLAYER, **_MONEY, "method": _ID},
        {},
        {
            "unique_id": "example-withdrawal-1",
            "timestamp": "2025-02-01T13:30:00Z",
            "player_id": "example-player",
            "amount": 50.25,
            "currency": "EUR",
            "method": "Bank Transfer",
        },
    ),
    "player": (
        _PLAYER,
        {
            "username": _TEXT_OR_NULL,
            "registration_date": _TEXT_OR_NULL,
            "country": _TEXT_OR_NULL,
            "currency": _TEXT_OR_NULL,
            "gender": _or_null(OpenAPIType.STRING, enum=["M", "F", None]),
            "affiliate": _TEXT_OR_NULL,
            "operator": _TEXT_OR_NULL,
            "tags": _TEXTS_OR_NULL,
            "consent_email": _FLAG_OR_NULL,
            "is_blocked": _FLAG_OR_NULL,
        },
        {
            "unique_id": "example-player-1",
            "timestamp": "2025-02-01T11:55:20Z",
            "player_id": "example-player",
            "country": "NZ",
            "tags": ["example"],
            "is_blocked": False,
        },
    ),
    "game": (
        {"unique_id": _ID, "timestamp": _TIMESTAMP, "game_id": _ID},
        {
            "name": _TEXT_OR_NULL,
            "provider": _TEXT_OR_NULL,
            "categories": _TEXTS_OR_NULL,
            "features": _TEXTS_OR_NULL,
            "themes": _TEXTS_OR_NULL,
            "device": _TEXT_OR_NULL,
            "has_freespins": _or_null(OpenAPIType.STRING, enum=["yes", "no", "unknown", None]),
        },
        {
            "unique_id": "example-game-1",
            "timestamp": "2025-02-01T06:00:01Z",
            "game_id": "example/sunrise",
            "name": "Sunrise",
            "provider": "Example Games",
            "categories": ["example-slots"],
            "has_freespins": "yes",
        },
    ),
    "login": (
        _PLAYER,
        {},
        {
            "unique_id": "example-login-1",
            "timestamp": "2025-02-01T11:56:00Z",
            "player_id": "example-player",
        },
    ),
}


def _item(event: str) -> Schema:
    required, optional, _ = _EVENTS[event]
    data = Schema(
        type=OpenAPIType.OBJECT,
        required=list(required),
        properties={**required, **optional},
        description="Other members are accepted and kept.",
    )
    return Schema(
        type=OpenAPIType.OBJECT,
        title=event,
        required=["event", "data"],
        properties={"event": Schema(type=OpenAPIType.STRING, const=event), "data": data},
    )


_BATCH = Schema(
    type=OpenAPIType.OBJECT,
    title="Batch",
    required=["items"],
    properties={
        "items": Schema(
            type=OpenAPIType.ARRAY, max_items=10_000, items=Schema(one_of=[*map(_item, _EVENTS)])
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
    400: _problem("The body is not JSON in UTF-8, or not what its Content-Encoding says."),
    403: _problem("The key does not allow this; nothing is told of what exists."),
    408: _problem("The body took too long to arrive."),
    413: _problem("More bytes or more items than one request may hold."),
    415: _problem("Another content type or encoding."),
    422: _problem("One or more items are invalid; nothing is recorded.", InvalidItems),
    503: _problem(
        "The store did not confirm the batch. The same batch can be sent again as it is: `Retry-After`"
        " says when."
    ),
}
"""The problems that a batch can be answered with."""

_EXAMPLE = {"items": [{"event": event, "data": data} for event, (_, _, data) in _EVENTS.items()]}
_RECEIPT = Receipt(
    stored=len(_EVENTS),
    duplicate=0,
    conflict=0,
    log_position=484 + len(_EVENTS),
    items=[
        ReceiptItem(unique_id=str(data["unique_id"]), outcome="stored", position=position)
        for position, (_, _, data) in enumerate(_EVENTS.values(), 485)
    ],
)

_PREFER = Parameter(
    name="Prefer",
    param_in="header",
    schema=Schema(type=OpenAPIType.STRING),
    description="`return=representation` (RFC 7240) asks for the receipt: what became of each item, and at"
    " which position of the log it is.",
    example="return=representation",
)

_HEADERS = {
    "Events-Stored": "How many items were recorded by this request.",
    "Events-Duplicate": "How many were recorded before, with the same content.",
    "Events-Conflict": "How many were refused: their unique_id stands for something else.",
    "Log-Position": "Once a read model has reached it, the whole batch is visible in it.",
}


@dataclass
class IngestOperation(Operation):
    """The operation of ingest, with its body, which Litestar can't know: it is read by hand."""

    def __post_init__(self) -> None:
        """Add the body and the headers of an answer."""
        self.security = NEEDS_KEY
        self.parameters = [*(self.parameters or []), _PREFER]
        self.request_body = RequestBody(
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
        recorded = OpenAPIResponse(description="Every item is recorded, durably.")
        asked = "The same, asked for with `Prefer: return=representation`: the receipt."
        self.responses = {"204": recorded, **(self.responses or {})}
        with_receipt = self.responses["200"]
        if isinstance(with_receipt, OpenAPIResponse) and with_receipt.content:
            with_receipt.description = asked
            with_receipt.content["application/json"].examples = {"receipt": Example(value=_RECEIPT)}
            recorded.headers = with_receipt.headers = {
                name: OpenAPIHeader(schema=Schema(type=OpenAPIType.INTEGER), description=about)
                for name, about in _HEADERS.items()
            }

"""The shapes of Fast Track's payloads, as JSON Schema: what is read of them, however it may come."""

from collections.abc import Mapping

from api.documentation.item_shapes import (
    FLAG,
    ID,
    TEXT,
    TEXTS,
    batch_schema,
    exactly,
    item_schema,
    one_of,
    pascal,
)
from api.documentation.members import MEMBERS as WORDS
from api.documentation.shapes import JsonSchema, nullable, ref
from app.wire.fasttrack import MEMBERS
from app.wire.items import MAX_ITEMS
from domain.fasttrack import CASINO_TYPES, IDS, PAYMENT_TYPES, Payload
from domain.instant import DATE, RFC3339

_ID: JsonSchema = {
    **ID,
    "type": ["string", "integer"],
    "description": "Up to 255 characters; a whole number is the same as its digits.",
}
_AMOUNT: JsonSchema = {
    "type": ["number", "string"],
    "minimum": 0,
    "pattern": "^-?[0-9]+(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$",
    "description": "0 or more, read exactly from its digits; a string of a number is fine.",
}
_TIME: JsonSchema = {
    "type": "string",
    "pattern": exactly(RFC3339, hour="?"),
    "description": "RFC 3339. An hour may have one digit; without an offset it is UTC.",
}
_DAY: JsonSchema = {
    "type": "string",
    "pattern": exactly(RFC3339, DATE, hour="?"),
    "description": "An RFC 3339 date or timestamp.",
}


def _entries(flag: str) -> JsonSchema:
    entry: JsonSchema = {
        "type": "object",
        "required": [flag],
        "properties": {"type": TEXT, "channel": TEXT, flag: FLAG},
    }
    return {
        "description": f"Objects of a `type` (or `channel`) and `{flag}`, one of them, or an object of flags"
        " by name.",
        "anyOf": [
            {"type": "array", "items": entry},
            entry,
            {"type": "object", "additionalProperties": FLAG},
        ],
    }


_VALUES: Mapping[str, JsonSchema] = {
    **dict.fromkeys(("user_id", "game_id", "round_id", "vendor_name"), _ID),
    **dict.fromkeys(("amount", "bonus_wager_amount", "base_amount"), _AMOUNT),
    "timestamp": _TIME,
    "registration_date": _DAY,
    "consents": _entries("opted_in"),
    "blocks": _entries("active"),
    "is_blocked": FLAG,
    "roles": TEXTS,
}
_TYPES: Mapping[Payload, tuple[str, ...]] = {
    "realtime-casino": CASINO_TYPES,
    "realtime-payment": PAYMENT_TYPES,
}


def data_name(payload: str) -> str:
    """Return the name of the component that `data` of a payload is."""
    return f"FastTrack{pascal(payload)}Data"


def data_schema(payload: Payload) -> JsonSchema:
    """Write what is read of the `data` of a payload."""
    ids = IDS.get(payload, ("unique_id",))
    required = [member.name for member in MEMBERS[payload] if member.required]
    properties = dict.fromkeys(ids, nullable(_ID))
    for member in MEMBERS[payload]:
        schema = _VALUES.get(member.name, TEXT)
        if "description" not in schema:
            schema = {**schema, "description": WORDS[member.name]}
        properties[member.name] = schema if member.required else nullable(schema)
    if payload in _TYPES:
        names = ", ".join(_TYPES[payload])
        properties["type"] = {"type": "string", "description": f"{names}; in any case."}
    if payload == "realtime-payment":
        required.append("status")
        about = "`approved`, in any case; a payment of another status is ignored."
        properties["status"] = {"type": "string", "description": about}
    return {
        "type": "object",
        "description": f"What is read of a `{payload}`. Other members are accepted and kept.",
        "required": required,
        "properties": properties,
    }


COMPONENTS: Mapping[str, JsonSchema] = {
    **{data_name(payload): data_schema(payload) for payload in MEMBERS},
    **{
        f"FastTrack{pascal(payload)}Item": item_schema(payload, data_name(payload))
        for payload in MEMBERS
    },
    "FastTrackItem": one_of(
        "event",
        {payload: f"FastTrack{pascal(payload)}Item" for payload in MEMBERS},
        "A payload of Fast Track's. An `event` may come under more names than these.",
    ),
    "FastTrackBatch": {
        "description": "Payloads, as an array or as the `items` of an object.",
        "anyOf": [
            {"type": "array", "maxItems": MAX_ITEMS, "items": ref("FastTrackItem")},
            batch_schema("FastTrackItem"),
        ],
    },
}

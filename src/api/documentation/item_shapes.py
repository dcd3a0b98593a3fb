"""The shapes of items, as JSON Schema from the catalogue of item types.

What was sent is recorded and told as it is: so the `data` of a bet has one shape in a batch, in the log and
in history.
"""

import re
from collections.abc import Mapping

from api.documentation.members import MEMBERS
from api.documentation.shapes import JsonSchema, nullable, ref
from app.wire.items import MAX_ITEMS
from app.wire.rules import MAX_ELEMENTS, MAX_ID_CHARACTERS, MAX_NUMBER_CHARACTERS, MAX_RATIO
from domain.instant import DATE, RFC3339
from domain.item_types import ITEM_TYPES, ItemType, Kind, Member
from domain.money import MAX_INTEGER_DIGITS

_NO_NUL = r"^[^\x00]*$"
ID: JsonSchema = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID_CHARACTERS,
    "pattern": _NO_NUL,
}
TEXT: JsonSchema = {"type": "string", "pattern": _NO_NUL}
TEXTS: JsonSchema = {"type": "array", "items": TEXT, "maxItems": MAX_ELEMENTS}
FLAG: JsonSchema = {"type": "boolean"}
# Readers of binary fractions take the greatest amount for the least that is too great.
_AMOUNT: JsonSchema = {"type": "number", "minimum": 0, "maximum": 10**MAX_INTEGER_DIGITS}
_EXACTLY = (
    "Read exactly from its digits: up to 20 before and 18 after the point, in up to"
    f" {MAX_NUMBER_CHARACTERS:,} characters."
)


def exactly(*patterns: re.Pattern[str], hour: str = "") -> str:
    """Write patterns as one of a whole text, in what all dialects of regular expressions have.

    `hour` is `?` where hours may have one digit.
    """
    texts = [each.pattern.replace("([01]\\d", f"([01]{hour}\\d") for each in patterns]
    return f"^(?:{'|'.join(texts)})$".replace("\\d", "[0-9]")


_OF_KIND: Mapping[Kind, JsonSchema] = {
    Kind.ID: ID,
    Kind.TIMESTAMP: {"type": "string", "pattern": exactly(RFC3339)},
    Kind.TEXT: TEXT,
    Kind.TEXTS: TEXTS,
    Kind.FLAG: FLAG,
    Kind.AMOUNT: _AMOUNT,
    Kind.RATIO: {"type": "number", "minimum": 0, "maximum": MAX_RATIO},
    Kind.CURRENCY: TEXT,
    Kind.DAY_OR_TIMESTAMP: {"type": "string", "pattern": exactly(RFC3339, DATE)},
}
_SAID_OF_KIND: Mapping[Kind, str] = {
    Kind.TIMESTAMP: "RFC 3339. Without an offset it is UTC; at most 24 hours in the future.",
    Kind.AMOUNT: _EXACTLY,
    Kind.RATIO: _EXACTLY,
    Kind.DAY_OR_TIMESTAMP: "An RFC 3339 date or timestamp.",
}


def pascal(wire_type: str) -> str:
    """Return what components of a type are called: realtime-casino is RealtimeCasino."""
    return "".join(part.capitalize() for part in wire_type.split("-"))


def _value(member: Member) -> JsonSchema:
    schema = _OF_KIND[member.kind]
    if member.choices:
        schema = {"type": "string", "enum": [*member.choices]}
    said = [MEMBERS[member.name], _SAID_OF_KIND.get(member.kind, "")]
    schema = {**schema, "description": " ".join(filter(None, said))}
    return schema if member.required else nullable(schema)


def data_schema(item_type: ItemType) -> JsonSchema:
    """Write what `data` of an item is."""
    return {
        "type": "object",
        "description": f"What a `{item_type.wire_type}` says. Other members are accepted and kept. As sent it"
        " has at most 256 KiB, unless the operator says otherwise (`too-large`).",
        "required": [member.name for member in item_type.members if member.required],
        "properties": {member.name: _value(member) for member in item_type.members},
        "examples": [item_type.example],
    }


def item_schema(wire_type: str, data: str) -> JsonSchema:
    """Write what an item of a type is, whose `data` is a component."""
    return {
        "type": "object",
        "description": f"A `{wire_type}`.",
        "required": ["event", "data"],
        "properties": {
            "event": {"type": "string", "const": wire_type, "description": MEMBERS["event"]},
            "data": ref(data),
        },
    }


def one_of(member: str, named: Mapping[str, str], about: str) -> JsonSchema:
    """Write that a value is one of some components, told apart by what a member says."""
    mapping = {said: ref(name)["$ref"] for said, name in named.items()}
    return {
        "description": about,
        "oneOf": [ref(name) for name in named.values()],
        "discriminator": {"propertyName": member, "mapping": mapping},
    }


def batch_schema(item: str) -> JsonSchema:
    """Write what a batch of items is."""
    return {
        "type": "object",
        "description": "A batch of items.",
        "required": ["items"],
        "properties": {
            "items": {
                "type": "array",
                "description": "Any mix of types, in any order.",
                "maxItems": MAX_ITEMS,
                "items": ref(item),
            }
        },
    }


COMPONENTS: Mapping[str, JsonSchema] = {
    **{f"{pascal(each)}Data": data_schema(ITEM_TYPES[each]) for each in ITEM_TYPES},
    **{f"{pascal(each)}Item": item_schema(each, f"{pascal(each)}Data") for each in ITEM_TYPES},
    "Item": one_of(
        "event", {each: f"{pascal(each)}Item" for each in ITEM_TYPES}, "Something that happened."
    ),
    "Batch": batch_schema("Item"),
}

"""The shapes of what was recorded, as history tells it: each `data` by its event, as it was sent."""

from collections.abc import Mapping

from api.documentation.fasttrack_shapes import data_name
from api.documentation.item_shapes import TEXT, one_of, pascal
from api.documentation.members import MEMBERS
from api.documentation.shapes import JsonSchema, any_of, ref, struct_schema
from app.log.history import HistoryEntry
from domain.fasttrack import PAYLOADS, event_of
from domain.item_types import EVENT_TYPES, OWN_TYPES, WIRE_TYPES

_POSITION: JsonSchema = {"type": "integer", "minimum": 1}
_NULL: JsonSchema = {"type": "null"}

ERASURE: JsonSchema = {
    "type": "object",
    "description": "What of a player was erased, when, by whom and why.",
    "required": ["positions", "reason", "by", "at"],
    "properties": {
        "positions": {
            "type": "array",
            "description": MEMBERS["positions"],
            "items": {
                "anyOf": [
                    _POSITION,
                    {
                        "type": "array",
                        "prefixItems": [_POSITION, _POSITION],
                        "minItems": 2,
                        "maxItems": 2,
                    },
                ]
            },
        },
        "reason": {**TEXT, "description": "Why, in the operator's words."},
        "by": {**TEXT, "description": MEMBERS["by"]},
        "at": {"type": "string", "format": "date-time", "description": MEMBERS["at"]},
    },
    "examples": [
        {
            "positions": [[4, 6], 9],
            "reason": "the player asked for it",
            "by": "dpo@example.com",
            "at": "2025-02-03T09:00:00Z",
        }
    ],
}
"""The `data` of an event that Roundbook records itself."""

_ERASED = "erased"


def _data(event: str) -> list[JsonSchema]:
    """Return what `data` of an entry may be, in whatever dialect it was sent."""
    if event == _ERASED:
        return [ref("ErasureData")]
    own = [ref(f"{pascal(event)}Data")] if event in OWN_TYPES.values() else []
    others = [ref(data_name(event))] if event in PAYLOADS.values() else []
    return [*own, *others, _NULL]


def _entry(event: str) -> JsonSchema:
    """Write what an entry of history is whose event is this."""
    schema = struct_schema(HistoryEntry)
    topics = [topic for topic, each in EVENT_TYPES.items() if each == event]
    types = [*dict.fromkeys(map(event_of, topics))]
    data = {**any_of(_data(event)), "description": f"{MEMBERS['data']} Null where it was erased."}
    own: dict[str, JsonSchema] = {
        "event": {"type": "string", "const": event, "description": MEMBERS["event"]},
        "type": {"type": "string", "enum": types, "description": MEMBERS["type"]},
        "data": data,
    }
    if event == _ERASED:
        data["description"] = ERASURE["description"]
    about = f"An event that was recorded as `{event}`."
    return {**schema, "description": about, "properties": {**schema["properties"], **own}}


_EVENTS = [*dict.fromkeys(EVENT_TYPES.values())]
_SENT = [*dict.fromkeys(WIRE_TYPES.values())]

COMPONENTS: Mapping[str, JsonSchema] = {
    "ErasureData": ERASURE,
    **{f"{pascal(event)}Entry": _entry(event) for event in _EVENTS},
    "HistoryEntry": one_of(
        "event",
        {event: f"{pascal(event)}Entry" for event in _EVENTS},
        "A recorded event, as it was sent.",
    ),
    "SentData": {
        "description": "The `data` of an item, by its `event`, as it was sent.",
        "anyOf": [
            *(
                {key: value}
                for event in _SENT
                for each in _data(event)[:-1]
                for key, value in each.items()
            ),
            _NULL,
        ],
    },
}

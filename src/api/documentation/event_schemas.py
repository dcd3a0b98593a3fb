"""JSON Schemas of the domain events: what is recorded of each, for those who read the log.

The state of an event is what was sent, as it was sent. A schema goes by the topic, which names the event in
the log for ever: what it once took it goes on to take. Members may be added to it; what would make it refuse
more is another topic. So its version, a part of its name, only rises if that should ever be broken.
"""

from collections.abc import Mapping
from inspect import cleandoc

from api.documentation import fasttrack_shapes, item_shapes
from api.documentation.history_shapes import ERASURE
from api.documentation.shapes import JsonSchema
from domain import events
from domain.events import TYPES
from domain.fasttrack import PAYLOADS, event_of
from domain.item_types import ITEM_TYPES, OWN_TYPES, ItemType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
VERSION = 1


def _own(topic: str, item_type: ItemType) -> JsonSchema:
    """Write what is recorded under a topic of an item type; where it has two, a flag tells which."""
    schema = item_shapes.data_schema(item_type)
    if item_type.told_by is None:
        return schema
    flag, told = item_type.told_by, topic == item_type.topics[1]
    properties = {**schema["properties"]}
    properties[flag] = {**properties[flag], "const": told}
    return {**schema, "properties": properties, "examples": [{**item_type.example, flag: told}]}


def _state(topic: str) -> JsonSchema:
    if topic in OWN_TYPES:
        return _own(topic, ITEM_TYPES[OWN_TYPES[topic]])
    if topic in PAYLOADS:
        return fasttrack_shapes.data_schema(PAYLOADS[topic])
    return ERASURE


def event_schema(topic: str) -> JsonSchema:
    """Write the schema of the state of the events of a topic."""
    state, kind = _state(topic), vars(events)[event_of(topic)]
    about = cleandoc(kind.__doc__).partition("\n")[0]
    return {
        "$schema": DIALECT,
        "$id": f"urn:roundbook:event:{topic}:v{VERSION}",
        "title": topic,
        **state,
        "description": f"{about} {state['description']}",
    }


def event_schemas() -> Mapping[str, JsonSchema]:
    """Write the schemas of all topics, by the names of their files."""
    topics = [*TYPES, *PAYLOADS]
    return {f"{topic}.v{VERSION}.json": event_schema(topic) for topic in topics}

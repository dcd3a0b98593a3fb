"""The shapes of what is answered, as JSON Schema (2020-12) from the types that are written.

Litestar would leave out what the types say of themselves, call optional what has a default and is always
told, and number names that collide. Here each type is one component by its own name, and what has no shape
is a mistake that is found when the document is made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from inspect import cleandoc
from types import UnionType
from typing import Any

import msgspec.inspect as mi
from litestar.openapi.spec import Schema
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition
from msgspec import NODEFAULT, Struct

from api.documentation.members import MEMBERS
from api.querying.parameters import Fault as ParameterFault
from app.wire.faults import Fault as ItemFault

JsonSchema = dict[str, Any]
"""A schema as it is written, by the keywords of JSON Schema."""

_SIMPLE: Mapping[type[mi.Type], JsonSchema] = {
    mi.BoolType: {"type": "boolean"},
    mi.FloatType: {"type": "number"},
    mi.NoneType: {"type": "null"},
    mi.DateTimeType: {"type": "string", "format": "date-time"},
    mi.DateType: {"type": "string", "format": "date"},
    mi.BytesType: {"type": "string", "contentEncoding": "base64"},
}
_BOUNDS = {
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
    "ge": "minimum",
    "le": "maximum",
}

_NAMES: Mapping[type[Struct], str] = {ParameterFault: "ParameterFault", ItemFault: "ItemFault"}

_named: dict[str, type[Struct]] = {}


@dataclass
class Written(Schema):
    """A schema that is written already: Litestar's own has no room for all of JSON Schema."""

    written: JsonSchema = field(default_factory=dict)

    def to_schema(self) -> JsonSchema:
        """Return it as it is."""
        return self.written


class Structs(OpenAPISchemaPlugin):
    """Has Litestar refer to the components of structs, alone and in a `typing.Union`.

    Of the other kind of unions it would ask for a name, which they don't have.
    """

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Return whether a type is a struct, or one of several."""
        return bool(_structs_of(field_definition))

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Schema:  # noqa: ARG002
        """Return the reference, or any of them."""
        return written_as(*_structs_of(field_definition))


def _structs_of(definition: FieldDefinition) -> Sequence[type[Struct]]:
    if isinstance(definition.annotation, UnionType):
        return []
    kinds = [each.annotation for each in definition.inner_types] if definition.is_union else []
    kinds = kinds or [definition.annotation]
    found = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Struct)]
    return found if len(found) == len(kinds) else []


def written_as(*kinds: type[Struct]) -> Schema:
    """Write that a value is of one of these types."""
    return Written(written=any_of([refer(kind) for kind in kinds]))


def any_of(options: Sequence[JsonSchema]) -> JsonSchema:
    """Write that a value is one of these, or the one that there is."""
    return {"anyOf": [*options]} if len(options) > 1 else dict(options[0])


def ref(name: str) -> JsonSchema:
    """Refer to the component of a name."""
    return {"$ref": f"#/components/schemas/{name}"}


def name_of(kind: type[Struct]) -> str:
    """Return what the component of a type is called."""
    return _NAMES.get(kind) or kind.__name__.removesuffix("View")


def refer(kind: type[Struct]) -> JsonSchema:
    """Refer to the component of a type. Raises TypeError where another type has its name."""
    name = name_of(kind)
    if _named.setdefault(name, kind) is not kind:
        raise TypeError(f"{kind} and {_named[name]} would both be the component {name}")
    return ref(name)


def components(
    document: Mapping[str, Any], by_hand: Mapping[str, JsonSchema]
) -> dict[str, JsonSchema]:
    """Write the components that a document refers to, and those to which these refer, by name.

    What is not made from a type is made `by_hand`.
    """
    found: dict[str, JsonSchema] = {}
    waiting = [*_references(document)]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = by_hand[name] if name in by_hand else struct_schema(_named[name])
            waiting += _references(found[name])
    return dict(sorted(found.items()))


def _references(value: Any) -> Sequence[str]:
    match value:
        case {"$ref": str(target)} if target.startswith("#/components/schemas/"):
            return [target.rpartition("/")[2]]
        case dict():
            return [name for member in value.values() for name in _references(member)]
        case list():
            return [name for element in value for name in _references(element)]
    return []


def struct_schema(kind: type[Struct]) -> JsonSchema:
    """Write the schema of a struct as it is answered: a member with a default is told, too."""
    shape: Any = mi.type_info(kind)
    properties, required = {}, []
    for member in shape.fields:
        properties[member.encode_name] = _member(name_of(kind), member)
        if member.required or member.default is not NODEFAULT:
            required.append(member.encode_name)
    return {
        "type": "object",
        "description": cleandoc(kind.__doc__ or ""),
        "required": required,
        "properties": properties,
    }


def _member(component: str, member: mi.Field) -> JsonSchema:
    """Write what a member is, in the words of the glossary."""
    whose = f"{component}.{member.encode_name}"
    is_raw = isinstance(member.type, mi.RawType)
    schema = RAW[whose] if is_raw else _schema(member.type)
    about = MEMBERS.get(whose) or MEMBERS.get(member.encode_name)
    return {**schema, "description": about} if about else schema


RAW: Mapping[str, JsonSchema] = {
    "Conflict.data": ref("SentData"),
    "RecordedItem.data": ref("SentData"),
    "HistoryEntry.data": ref("SentData"),
    "Refused.data": {},
}
"""The shapes of members that are answered as they were sent; of what was refused nothing is known."""


def _schema(shape: mi.Type) -> JsonSchema:
    schema: JsonSchema
    match shape:
        case mi.Metadata(type=inner, extra_json_schema=extra):
            schema = {**_schema(inner), **(extra or {})}
        case mi.StructType(cls=kind):
            schema = refer(kind)
        case mi.StrType():
            schema = {"type": "string", **_bounds(shape)}
        case mi.IntType():
            schema = {"type": "integer", **_bounds(shape)}
        case mi.LiteralType(values=values):
            named: JsonSchema = {"enum": [*values]} if len(values) > 1 else {"const": values[0]}
            schema = {"type": "string", **named}
        case mi.ListType(item_type=item) | mi.VarTupleType(item_type=item):
            schema = {"type": "array", "items": _schema(item)}
        case mi.DictType(value_type=value):
            schema = {"type": "object", "additionalProperties": _schema(value)}
        case mi.UnionType(types=types):
            schema = _union([*map(_schema, types)])
        case _:
            schema = {**_SIMPLE[type(shape)]}
    return schema


def _bounds(shape: mi.Type) -> JsonSchema:
    bounds = {keyword: getattr(shape, name, None) for name, keyword in _BOUNDS.items()}
    return {keyword: bound for keyword, bound in bounds.items() if bound is not None}


def _union(options: Sequence[JsonSchema]) -> JsonSchema:
    others = [option for option in options if option != {"type": "null"}]
    if len(others) == len(options):
        return any_of(others)
    return nullable(any_of(others))


def nullable(schema: JsonSchema) -> JsonSchema:
    """Write that a value may be null besides."""
    kinds = schema.get("type")
    if kinds is None or "const" in schema:
        about = {"description": schema["description"]} if "description" in schema else {}
        return {"anyOf": [*schema.get("anyOf", [schema]), {"type": "null"}], **about}
    named = [kinds] if isinstance(kinds, str) else kinds
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [*named, "null"], **enum}

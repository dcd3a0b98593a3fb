"""What is committed for programs to read is what the code says: the OpenAPI document, schemas of events."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from domain.events import TYPES
from domain.fasttrack import PAYLOADS
from tests.http.service import roundbook

COMMITTED = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.fixture(scope="module")
def document() -> Any:
    return json.loads((COMMITTED / "openapi.json").read_text())


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_is_committed_is_what_the_command_writes(tmp_path: Path) -> None:
    roundbook("schemas", str(tmp_path), settings={})
    made, committed = files_of(tmp_path), files_of(COMMITTED)
    assert made.keys() == committed.keys()
    assert [name for name in made if made[name] != committed[name]] == [], "run `make schemas`"


def test_each_type_of_event_that_the_log_can_hold_has_a_schema_of_its_own() -> None:
    schemas = [json.loads(path.read_text()) for path in sorted(COMMITTED.glob("events/*"))]
    assert {schema["title"] for schema in schemas} == {*TYPES, *PAYLOADS}
    assert len({schema["$id"] for schema in schemas}) == len(schemas)
    for schema in schemas:
        jsonschema_rs.meta.validate(schema)
        for example in schema.get("examples", []):
            jsonschema_rs.Draft202012Validator(schema).validate(example)


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def test_operations_have_names_that_a_function_would_have(document: Any) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len({*names}) == len(names)
    for name in names:
        assert re.fullmatch(r"[a-z]+(_[a-z]+)+", name), name


def test_components_have_names_that_a_type_would_have(document: Any) -> None:
    for name, schema in document["components"]["schemas"].items():
        assert re.fullmatch(r"[A-Z][A-Za-z]+", name), name
        assert not name.endswith("View")
        assert schema.get("description"), name


def members(document: Any) -> Iterator[tuple[str, Any]]:
    for component, schema in document["components"]["schemas"].items():
        for name, member in schema.get("properties", {}).items():
            yield f"{component}.{name}", member


def test_each_member_says_what_it_is(document: Any) -> None:
    silent = [
        name
        for name, member in members(document)
        if "description" not in member and member.keys() != {"$ref"}
    ]
    assert silent == []


def test_each_parameter_says_what_it_is_and_shows_a_value(document: Any) -> None:
    for name, operation in operations(document):
        for parameter in operation.get("parameters", []):
            assert parameter["description"], (name, parameter["name"])
            schema = parameter["schema"]
            shown = {"example", "examples"} & parameter.keys() or {
                "examples",
                "enum",
            } & schema.keys()
            assert shown, (name, parameter["name"])


def test_every_operation_says_how_it_fails(document: Any) -> None:
    for name, operation in operations(document):
        responses = operation["responses"]
        assert {"500", "default"} <= responses.keys(), name
        assert any(status.startswith("4") for status in responses), name
        for status in {"429", "503"} & responses.keys():
            response = responses[status]
            if "$ref" in response:
                response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
            assert "Retry-After" in response["headers"], (name, status)


def test_every_example_is_one(document: Any) -> None:
    """By a validator that is not ours."""
    schemas = document["components"]["schemas"]
    checked = 0
    for where, content in contents(document):
        schema = {**content["schema"], "components": {"schemas": schemas}}
        validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
        shown = [each["value"] for each in content.get("examples", {}).values()]
        for example in [*shown, *([content["example"]] if "example" in content else [])]:
            assert validator.is_valid(example), (where, example)
            checked += 1
    assert checked > 100


def contents(value: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    """Find everything in the document that has a schema and examples of it."""
    match value:
        case {"schema": dict()}:
            yield where, value
    if isinstance(value, dict):
        for name, member in value.items():
            yield from contents(member, f"{where}/{name}")
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from contents(element, f"{where}/{index}")

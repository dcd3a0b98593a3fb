"""Holds the answers that tests get against what the OpenAPI document says of them.

By a validator of JSON Schema that is not ours. What history tells is held against the schemas of events, too.
"""

import json
import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import httpx
import jsonschema_rs
import msgspec

from api.asgi import openapi_document
from api.documentation.event_schemas import event_schema
from api.http.accept import NDJSON
from api.http.problems import PROBLEMS

_WHATEVER_IS_ASKED = {
    "bad-request",
    "not-found",
    "method-not-allowed",
    "head-too-slow",
    "target-too-long",
    "head-too-large",
    "not-implemented",
    "version-not-supported",
}
_HISTORY = "/api/v1/history"
# What HTTP itself, or whoever carries an answer, says of it.
_OF_HTTP = {
    "allow",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "server",
    "transfer-encoding",
    "vary",
}
_UNDER_DEFAULT = {PROBLEMS[name][0] for name in _WHATEVER_IS_ASKED}


class Answer(NamedTuple):
    """What was asked, and what was answered."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: bytes


@cache
def document() -> Any:
    return json.loads(msgspec.json.encode(openapi_document()))


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """The templates of paths, the plain ones first, and the longest: an id may have slashes."""
    templates = sorted(document()["paths"], key=lambda path: (path.count("{"), -len(path)))
    return [
        (re.compile(re.sub(r"\\{\w+\\}", ".+", re.escape(template))), template)
        for template in templates
    ]


@cache
def _validator(*keys: str) -> Any:
    """The validator of the schema that stands at the end of these keys."""
    found: Any = document()
    for key in keys:
        found = found[key]
    schemas = document()["components"]["schemas"]
    whole = {**found, "components": {"schemas": schemas}}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def check(answer: Answer) -> None:
    """Fail unless the document says of an answer what it is; of what it knows no operation of, nothing."""
    template = next((named for path, named in _paths() if path.fullmatch(answer.path)), None)
    method = answer.method.lower()
    if template is None or method not in document()["paths"][template]:
        return
    responses = document()["paths"][template][method]["responses"]
    keys: tuple[str, ...] = ("paths", template, method, "responses", str(answer.status))
    if str(answer.status) not in responses:
        assert answer.status in _UNDER_DEFAULT, f"{method} {template} does not say {answer.status}"
        keys = ("components", "responses", "AnyProblem")
    elif "$ref" in responses[str(answer.status)]:
        keys = (*responses[str(answer.status)]["$ref"].removeprefix("#/").split("/"),)
    response: Any = document()
    for key in keys:
        response = response[key]
    _check_headers(answer, response)
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    assert not answer.body or media_type in response["content"], (keys, media_type)
    if not answer.body:
        return
    if media_type.endswith("json") and media_type != NDJSON:
        found = json.loads(answer.body)
        _validate(_validator(*keys, "content", media_type, "schema"), found, answer)
        entries = found["items"] if template == _HISTORY and answer.status == 200 else []
    else:
        lines = answer.body.splitlines() if media_type == NDJSON else []
        entries = [json.loads(line) for line in lines]
        for entry in entries:
            _validate(_validator("components", "schemas", "HistoryEntry"), entry, answer)
    for entry in entries:
        if entry["data"] is not None:
            topic = ".".join(filter(None, (entry["type"], entry.get("dialect"))))
            _validate(_of_events(topic), entry["data"], answer)


def _validate(validator: Any, instance: Any, answer: Answer) -> None:
    if not validator.is_valid(instance):
        problem = next(validator.iter_errors(instance))
        raise AssertionError(f"{answer.method} {answer.path} {answer.status}: {problem}")


@cache
def _of_events(topic: str) -> Any:
    return jsonschema_rs.Draft202012Validator(event_schema(topic))


def _check_headers(answer: Answer, response: Any) -> None:
    for name, header in response["headers"].items():
        if "$ref" in header:
            header = document()["components"]["headers"][header["$ref"].rpartition("/")[2]]  # noqa: PLW2901
        assert name.lower() in answer.headers or not header.get("required"), (answer.path, name)
    told = {name.lower() for name in response["headers"]} | _OF_HTTP
    assert answer.headers.keys() <= told, (answer.path, answer.status, set(answer.headers) - told)


class DescribedClient(httpx.Client):
    """HTTP whose whole answers are held against the document; what is read in pieces is the test's."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        # It takes a moment, which is to be nobody's who measures time.
        document()

    def send(
        self, request: httpx.Request, *, stream: bool = False, **options: Any
    ) -> httpx.Response:
        answer = super().send(request, stream=stream, **options)
        if not stream:
            path = request.url.raw_path.partition(b"?")[0].decode("ascii")
            headers = {name.lower(): value for name, value in answer.headers.items()}
            check(Answer(request.method, path, answer.status_code, headers, answer.content))
        return answer

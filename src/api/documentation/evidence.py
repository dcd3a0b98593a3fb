"""What the OpenAPI document says of the routes of evidence, which answer in other forms than queries do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, Operation

from api.documentation.headers import FILE
from api.documentation.operations import NEEDS_KEY, query_parameters
from api.documentation.shapes import Written
from api.http.accept import BYTES, JSON, TEXT, ZIP
from api.querying.parameters import Query

LOG_ID = "00112233445566778899aabbccddeeff"
ORIGIN = f"roundbook.invalid/log/{LOG_ID}"
HASHES = (
    "/eqxJfmMXErc3nn1RG8zrXUnEghyRSltq37C6+fsnZM=",
    "t5lhAlnecZM3c+kVxCmiNZI7Q2PP6kKmcrtqU1Dp9+s=",
    "o9uEJOIJGr36zq9d2RxVWhF4oLKWF34BKwL9WjkAC2g=",
)
"""The leaves of a log of three events."""

NOTE = (
    f"{ORIGIN}\n3\ngAogmpdrTdVJLLoNl1gielY4q9ZgJutTfv6GaPWO+3Y=\n"
    f"\n— {ORIGIN} PjtUx/bG8G7vuENYnTHGa/i7JMzWJaKVhIdT2X2tsS5VrpawiUSqErlXx0InCCUPGDYrRaJHttHDnbtnlwnSpiIP"
    "ZQk=\n"
)
"""The checkpoint of that log, signed with the key of `VKEY`."""

VKEY = f"{ORIGIN}+3e3b54c7+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"

_ABOUT: Mapping[str, str] = {
    TEXT: "A text to be kept as it is: white space counts.",
    BYTES: "Bytes to be kept as they are.",
    ZIP: "A zip file.",
}


def evidence_operation(query: Query[Any, None], answers: Mapping[str, object]) -> type[Operation]:
    """Make the operation class of a route. `answers`: an example for each media type, None for bytes."""

    @dataclass
    class EvidenceOperation(Operation):
        def __post_init__(self) -> None:
            self.security = NEEDS_KEY
            self.parameters = [*(self.parameters or []), *query_parameters(query)]
            responses = dict(self.responses or {})
            # Litestar documents its own validation of path parameters, which is never at work here.
            responses.pop("400", None)
            success = responses["200"]
            if isinstance(success, OpenAPIResponse):
                made = success.content or {}
                success.content = {
                    media_type: _content(media_type, example, made)
                    for media_type, example in answers.items()
                }
                if ZIP in answers:
                    success.headers = {"Content-Disposition": FILE}
            self.responses = responses

    return EvidenceOperation


def _content(
    media_type: str, example: object, made: Mapping[str, OpenAPIMediaType]
) -> OpenAPIMediaType:
    if media_type == JSON:
        content = made[JSON]
        content.examples = {"example": Example(value=example)}
        return content
    schema = {"type": "string", "description": _ABOUT[media_type]}
    if example is None:
        schema |= {"format": "binary", "contentMediaType": media_type}
    return OpenAPIMediaType(schema=Written(written=schema), example=example)

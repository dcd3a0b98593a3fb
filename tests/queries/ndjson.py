"""Reading a history that came as lines."""

from typing import Any

import msgspec

from tests.queries.asgi import Answer

NDJSON = {"accept": "application/x-ndjson"}


def lines(answer: Answer) -> list[bytes]:
    assert answer.status == 200, answer.body
    assert answer.whole
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert not answer.body or answer.body.endswith(b"\n")
    return answer.body.splitlines(keepends=True)


def entries(answer: Answer) -> list[Any]:
    return [msgspec.json.decode(line) for line in lines(answer)]

"""Requests for evidence are read as strictly as all others, and each key is shown its own tenant's alone."""

from typing import Any

import httpx
import pytest

from tests.evidence.auditor import PATHS, fetch
from tests.evidence.conftest import Audited, new_audited
from tests.http.service import Service
from tests.http.wire import Wire, assert_problem, body, login

pytestmark = pytest.mark.xdist_group("evidence")

TEXT = "text/plain"
JSON = "application/json"
BYTES = "application/octet-stream"
ZIP = "application/zip"

FITTING: dict[str, set[str]] = {
    "checkpoint": {TEXT},
    "checkpoint?size=484": {TEXT},
    "keys": {JSON},
    "tile/0/000": {BYTES},
    "tile/entries/001.p/5": {BYTES},
    "inclusion?position=1": {JSON, TEXT},
    "inclusion?position=484&size=484": {JSON, TEXT},
    "inclusion?position=%34&": {JSON, TEXT},
    "consistency?from=1&to=484": {JSON},
    "consistency?to=484&from=484": {JSON},
    "bundle": {ZIP},
    "bundle?from_position=3&to_position=3": {ZIP},
    "bundle?player_id=StQ-1&since=484": {ZIP},
    "bundle?player_id=nobody": {ZIP},
}
ALL = {TEXT, JSON, BYTES, ZIP, "text/event-stream"}

FAULTS: dict[str, list[tuple[str, str]]] = {
    "checkpoint?size=": [("size", "not_an_integer")],
    "checkpoint?size=x": [("size", "not_an_integer")],
    "checkpoint?size=+1": [("size", "not_an_integer")],
    "checkpoint?size=01": [("size", "not_an_integer")],
    "checkpoint?size=1.0": [("size", "not_an_integer")],
    "checkpoint?size=\u0661": [("size", "not_an_integer")],
    "checkpoint?size=0": [("size", "out_of_range")],
    "checkpoint?size=-1": [("size", "out_of_range")],
    "checkpoint?size=9223372036854775808": [("size", "out_of_range")],
    "checkpoint?size=7&size=7": [("size", "repeated")],
    "checkpoint?at_least=1": [("at_least", "unknown")],
    "checkpoint?size=%FF": [("size", "malformed")],
    "checkpoint?Size=1": [("Size", "unknown")],
    "keys?x": [("x", "unknown")],
    "keys?limit=1": [("limit", "unknown")],
    "tile/0/000?size=1": [("size", "unknown")],
    "inclusion": [("position", "missing")],
    "inclusion?size=3": [("position", "missing")],
    "inclusion?position=0": [("position", "out_of_range")],
    "inclusion?position=4&size=3": [("position", "contradictory")],
    "inclusion?position=x&size=0&y=": [
        *(("position", "not_an_integer"), ("size", "out_of_range"), ("y", "unknown")),
    ],
    "consistency": [("from", "missing"), ("to", "missing")],
    "consistency?from=1": [("to", "missing")],
    "consistency?from=0&to=1": [("from", "out_of_range")],
    "consistency?from=2&to=1": [("from", "contradictory")],
    "consistency?older=1&newer=2": [
        *(("older", "unknown"), ("newer", "unknown"), ("from", "missing"), ("to", "missing")),
    ],
    "bundle?from_position=0": [("from_position", "out_of_range")],
    "bundle?from_position=9&to_position=8": [("from_position", "contradictory")],
    "bundle?player_id=": [("player_id", "empty")],
    "bundle?player_id=" + "x" * 256: [("player_id", "too_long")],
    "bundle?player_id=%00": [("player_id", "nul")],
    "bundle?player_id=p&from_position=1": [("player_id", "contradictory")],
    "bundle?player_id=p&to_position=1": [("player_id", "contradictory")],
    "bundle?since=0": [("since", "out_of_range")],
    "bundle?game_id=g": [("game_id", "unknown")],
}


@pytest.mark.parametrize("path", FITTING)
def test_each_is_given_in_its_own_forms(client: httpx.Client, path: str) -> None:
    offered = FITTING[path]
    for media_type in ALL:
        answer = client.get(f"{PATHS}/{path}", headers={"accept": media_type})
        if media_type in offered:
            assert answer.status_code == 200, answer.text[:300]
            assert answer.headers["content-type"].partition(";")[0] == media_type
        else:
            assert set(assert_problem(answer, "not-acceptable")["offered"]) == offered
    # As programs ask that know nothing of media types.
    assert client.get(f"{PATHS}/{path}", headers={"accept": "*/*"}).status_code == 200


@pytest.mark.parametrize("path", FAULTS)
def test_every_fault_of_a_question_is_told(client: httpx.Client, path: str) -> None:
    answer = client.get(f"{PATHS}/{path}")
    errors = assert_problem(answer, "invalid-parameters")["errors"]
    assert [(each["parameter"], each["code"]) for each in errors] == FAULTS[path]
    assert all(each["detail"] for each in errors)


@pytest.mark.parametrize(
    "path", ["", "/", "/nothing", "/tile", "/tile/", "/checkpoint/", "/checkpoint/1"]
)
def test_other_paths_are_not_found(client: httpx.Client, path: str) -> None:
    answer = client.get(PATHS + path)
    if path == "/checkpoint/":  # a slash at the end means nothing here, as everywhere
        assert answer.status_code == 200
    else:
        assert_problem(answer, "not-found")


def test_without_the_scope_nothing_is_told(day: Audited) -> None:
    keys = [day.service.new_key(day.tenant, "ingest", "read"), "rb_unknown"]
    for path in (*FITTING, *FAULTS, "tile/0/999", "checkpoint?size=9999"):
        for key in keys:
            with day.service.client(key) as client:
                assert_problem(client.get(f"{PATHS}/{path}"), "forbidden")
    with httpx.Client(base_url=day.service.url, timeout=60) as client:
        assert_problem(client.get(f"{PATHS}/checkpoint"), "forbidden")


def test_a_key_is_shown_its_own_log_alone(
    day: Audited, client: httpx.Client, sealing: tuple[Service, Any]
) -> None:
    other = new_audited(*sealing, "other")
    other.send(body(*(login(f"o-{number}") for number in range(3))))
    with other.client() as others:
        assert fetch(others, "checkpoint").text.splitlines()[1] == "3"
        assert fetch(others, "keys").json()["origin"] != fetch(client, "keys").json()["origin"]
        shared = ("tile/0/000.p/3", "tile/entries/000.p/3", "inclusion?position=1", "checkpoint")
        for path in shared:
            mine, theirs = fetch(client, path), fetch(others, path)
            assert mine.content != theirs.content
            # So that no cache gives one what was given to the other.
            assert "x-api-key" in mine.headers["vary"].lower()
            assert mine.headers["cache-control"].startswith(("private", "no-cache"))
        for path in (
            "tile/0/000",
            "checkpoint?size=484",
            "inclusion?position=484",
            "bundle?to_position=484",
        ):
            problem = assert_problem(others.get(f"{PATHS}/{path}"), "not-sealed")
            assert problem["evidence_size"] == 3


@pytest.mark.parametrize(
    "path",
    [*FITTING, "checkpoint?size=8", "checkpoint?size=485", "tile/0/0", "inclusion", "bundle?x=1"],
)
def test_head_is_get_without_the_body(day: Audited, path: str) -> None:
    its_own = {"date", "x-request-id", "transfer-encoding"}
    if path.startswith("bundle"):  # whose length nobody knows
        its_own.add("content-length")
    with Wire(day.service.address) as wire:
        asked = {"x-api-key": day.key}
        wire.request(f"GET {PATHS}/{path}", asked)
        get = wire.answer("GET")
        wire.request(f"HEAD {PATHS}/{path}", asked)
        head = wire.answer("HEAD")
        # What came after a head would be taken for the next answer.
        wire.request("GET /health/live", {})
        assert wire.answer("GET").json() == {"status": "live"}
    assert head.status_code == get.status_code

    def told(answer: httpx.Response) -> list[tuple[str, str]]:
        return sorted(each for each in answer.headers.items() if each[0] not in its_own)

    assert told(head) == told(get)


@pytest.mark.parametrize(
    "path", ["checkpoint", "keys", "tile/0/000", "inclusion", "consistency", "bundle"]
)
def test_nothing_else_can_be_done_with_evidence(client: httpx.Client, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"{PATHS}/{path}")
        assert_problem(answer, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD, OPTIONS"

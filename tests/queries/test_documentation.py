"""The OpenAPI document says of each query what it answers, with an example, and its problems."""

import json
import re
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from api.reporting.kinds import KINDS
from api.routes import (
    accesses,
    activity,
    balances,
    conflicts,
    games,
    history,
    players,
    rollbacks,
    rounds,
    transactions,
)
from api.routes.status import Status
from app.log.history import HistoryEntry
from projections.models.balance_history import BalanceHistory
from projections.models.games import Facets, GameProfile
from projections.models.players import PlayerProfile
from tests.queries.asgi import Answer, Api, encode
from tests.queries.casino import Casino

SHAPES: dict[str, Any] = {
    "/api/v1/players": players.Players,
    "/api/v1/players/{player_id}": PlayerProfile,
    "/api/v1/balances": balances.Balances,
    "/api/v1/balances/history": BalanceHistory,
    "/api/v1/rounds": rounds.Rounds,
    "/api/v1/rollbacks": rollbacks.Rollbacks,
    "/api/v1/transactions": transactions.Transactions,
    "/api/v1/games": games.Games,
    "/api/v1/games/{game_id}": GameProfile,
    "/api/v1/facets": Facets,
    "/api/v1/activity": activity.Activities,
    "/api/v1/conflicts": conflicts.Conflicts,
    "/api/v1/status": Status,
    "/api/v1/history": history.History,
    "/api/v1/accesses": accesses.Accesses,
    **{f"/api/v1/reports/{kind.name}": kind.answer for kind in KINDS},
}

# The example of the status shows what the sample day does not have: projections that stand still.
# Accesses are those of all tests. Rollbacks are those of the example of a batch.
ELSEWHERE = {"/api/v1/status", "/api/v1/accesses", "/api/v1/rollbacks"}
SHOWN = [path for path in SHAPES if path not in ELSEWHERE]
TOLD_BY_THE_CLOCK = {"received_at", "recorded_at", "generated_at", "age_s"}
EVERYONE_S_OWN = {"tenant"}


@pytest.fixture(scope="module")
def document(api: Api) -> Any:
    return api.get("/schema/openapi.json").json


@pytest.mark.parametrize("path", SHAPES)
def test_an_answer_is_described_and_shown(path: str, document: Any) -> None:
    operation = document["paths"][path]["get"]
    assert operation["description"]
    success = operation["responses"]["200"]
    assert success["headers"]["Log-Position"]["schema"]["type"] == "integer"
    assert success["headers"]["Log-Id"]["schema"]["type"] == "string"
    content = success["content"]["application/json"]
    named = content["schema"]["$ref"].rpartition("/")[2]
    assert named == SHAPES[path].__name__.removesuffix("View")
    schema = document["components"]["schemas"][named]
    example = content["examples"]["example"]["value"]
    assert schema["properties"].keys() == example.keys()
    msgspec.json.decode(json.dumps(example), type=SHAPES[path])


@pytest.mark.parametrize("path", SHAPES)
def test_every_problem_is_described_and_shown(path: str, document: Any) -> None:
    responses = document["paths"][path]["get"]["responses"]
    single = path.endswith("}")
    own = {"/api/v1/history": ["204"]}.get(path, ["404"] if single else [])
    common = {"500", "default"}
    assert set(responses) == {"200", "403", "406", "409", "422", "429", "503", *own, *common}
    for code, response in responses.items():
        if code.startswith("2") or code in common:
            continue
        described = resolved(document, response)
        (content,) = described["content"].values()
        assert set(described["content"]) == {"application/problem+json"}
        for example in content["examples"].values():
            assert example["value"]["status"] == int(code)


def resolved(document: Any, response: Any) -> Any:
    """A response, which may be one that several operations have."""
    return document["components"]["responses"][response["$ref"].rpartition("/")[2]]


def test_history_is_described_as_streams_too(document: Any) -> None:
    operation = document["paths"]["/api/v1/history"]["get"]
    content = operation["responses"]["200"]["content"]
    line = content["application/x-ndjson"]["example"]
    assert line.endswith("}\n")
    entry = msgspec.json.decode(line, type=HistoryEntry)
    message = content["text/event-stream"]["example"]
    assert message == f"id: {entry.position}\ndata: {line}\n"
    (header,) = [each for each in operation["parameters"] if each["in"] == "header"]
    assert (header["name"], header.get("required", False)) == ("Last-Event-ID", False)
    assert "content" not in operation["responses"]["204"]


def ask(day: Casino, path: str, operation: Any, **headers: str) -> Answer:
    """Ask with all examples that the document gives for an operation's parameters."""
    asked: dict[str, object] = {}
    for parameter in operation["parameters"]:
        name = parameter["name"]
        if parameter["in"] == "path":
            (example,) = parameter["examples"].values()
            path = path.replace(f"{{{name}}}", quote(example["value"], safe=""))
        elif "example" in parameter and parameter["in"] == "header":
            headers[name] = str(parameter["example"])
        elif "example" in parameter:
            value = parameter["example"]
            asked[name] = ",".join(value) if isinstance(value, list) else value
    return day.api.get(path, day.key, query=encode(asked), headers=headers)


def timeless(value: Any) -> Any:
    """Leave out what the clock says."""
    match value:
        case dict():
            return {
                k: timeless(v)
                for k, v in value.items()
                if k not in TOLD_BY_THE_CLOCK | EVERYONE_S_OWN
            }
        case list():
            return [timeless(each) for each in value]
    return value


@pytest.mark.parametrize("path", SHOWN)
def test_the_example_of_an_answer_is_what_the_example_of_a_question_gets(
    path: str, document: Any, day: Casino
) -> None:
    operation = document["paths"][path]["get"]
    content = operation["responses"]["200"]["content"]["application/json"]
    example = content["examples"]["example"]["value"]
    answer = ask(day, path, operation)
    assert answer.status == 200, answer.body
    got = answer.json
    for rows in {"items", "rows"} & example.keys():
        got[rows] = got[rows][: len(example[rows])]
    assert timeless(got) == timeless(example)


def test_the_example_of_rollbacks_is_of_the_example_of_a_batch(
    document: Any, casino: Casino
) -> None:
    batch = document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]
    for example in batch["application/json"]["examples"].values():
        casino.fill(example["value"]["items"])
    operation = document["paths"]["/api/v1/rollbacks"]["get"]
    content = operation["responses"]["200"]["content"]["application/json"]
    answer = ask(casino, "/api/v1/rollbacks", operation)
    assert answer.json == content["examples"]["example"]["value"]


@pytest.mark.parametrize("media_type", ["application/x-ndjson", "text/event-stream"])
def test_the_example_of_a_stream_is_how_it_begins_and_it_ends_by_itself(
    media_type: str, document: Any, day: Casino
) -> None:
    operation = document["paths"]["/api/v1/history"]["get"]
    answer = ask(day, "/api/v1/history", operation, accept=media_type)
    assert answer.headers["content-type"].startswith(media_type)
    assert answer.whole
    example = operation["responses"]["200"]["content"][media_type]["example"]
    first, *_ = [line for line in answer.body.decode().splitlines() if "{" in line]
    told, shown = (
        json.loads(line[line.index("{") :])
        for line in (first, example.partition("data: ")[2] or example)
    )
    assert timeless(told) == timeless(shown)


@pytest.mark.parametrize(
    "name",
    [
        *("players", "balances", "balances/history", "rounds", "transactions"),
        *("games", "facets", "activity"),
    ],
)
def test_the_example_of_a_table_is_how_it_begins(name: str, document: Any, day: Casino) -> None:
    operation = document["paths"][f"/api/v1/{name}"]["get"]
    example = operation["responses"]["200"]["content"]["text/csv"]["example"]
    assert example.count("\r\n") > 1
    got = ask(day, f"/api/v1/{name}", operation, accept="text/csv").body.decode()
    assert got.startswith(example)


def test_every_operation_has_a_title_that_a_person_would_give_it(document: Any) -> None:
    titles = [
        operation.get("summary", "")
        for item in document["paths"].values()
        for operation in item.values()
    ]
    assert len(titles) == len(set(titles))
    for title in titles:
        assert re.fullmatch(r"[A-Z][a-z]+( [^ ]+)+[^.]", title), title


def test_a_406_says_what_there_is(document: Any) -> None:
    for path in SHAPES:
        refused = document["paths"][path]["get"]["responses"]["406"]
        content = resolved(document, refused)["content"]
        for example in content["application/problem+json"]["examples"].values():
            assert example["value"]["offered"] == ["application/json"]

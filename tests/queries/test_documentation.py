"""The OpenAPI document says of each query what it answers, with an example, and its problems."""

import json
from typing import Any

import msgspec
import pytest

from api.routes import (
    activity,
    balances,
    conflicts,
    games,
    history,
    players,
    rounds,
    transactions,
)
from app.log.history import HistoryEntry
from projections.models.games import Facets, GameView
from projections.models.players import PlayerView
from projections.status import StatusView
from tests.queries.asgi import Api

SHAPES: dict[str, Any] = {
    "/api/v1/players": players.Players,
    "/api/v1/players/{player_id}": PlayerView,
    "/api/v1/balances": balances.Balances,
    "/api/v1/rounds": rounds.Rounds,
    "/api/v1/transactions": transactions.Transactions,
    "/api/v1/games": games.Games,
    "/api/v1/games/{game_id}": GameView,
    "/api/v1/facets": Facets,
    "/api/v1/activity": activity.Activities,
    "/api/v1/conflicts": conflicts.Conflicts,
    "/api/v1/status": StatusView,
    "/api/v1/history": history.History,
}


@pytest.fixture(scope="module")
def document(api: Api) -> Any:
    return api.get("/schema/openapi.json").json


@pytest.mark.parametrize("path", SHAPES)
def test_an_answer_is_described_and_shown(path: str, document: Any) -> None:
    operation = document["paths"][path]["get"]
    assert operation["description"]
    success = operation["responses"]["200"]
    assert success["headers"]["Log-Position"]["schema"] == {"type": "integer"}
    content = success["content"]["application/json"]
    named = content["schema"]["$ref"].rpartition("/")[2]
    assert named == SHAPES[path].__name__
    schema = document["components"]["schemas"][named]
    example = content["examples"]["example"]["value"]
    assert schema["properties"].keys() == example.keys()
    msgspec.json.decode(json.dumps(example), type=SHAPES[path])


@pytest.mark.parametrize("path", SHAPES)
def test_every_problem_is_described_and_shown(path: str, document: Any) -> None:
    responses = document["paths"][path]["get"]["responses"]
    single = path.endswith("}")
    own = {"/api/v1/history": ["204", "409"]}.get(path, ["404"] if single else [])
    assert set(responses) == {"200", "403", "406", "422", "503", *own}
    for code, response in responses.items():
        if code.startswith("2"):
            continue
        (content,) = response["content"].values()
        assert set(response["content"]) == {"application/problem+json"}
        for example in content["examples"].values():
            assert example["value"]["status"] == int(code)


def test_history_is_described_as_lines_too(document: Any) -> None:
    content = document["paths"]["/api/v1/history"]["get"]["responses"]["200"]["content"]
    line = content["application/x-ndjson"]["example"]
    assert line.endswith("}\n")
    msgspec.json.decode(line, type=HistoryEntry)


def test_history_is_described_as_server_sent_events_too(document: Any) -> None:
    operation = document["paths"]["/api/v1/history"]["get"]
    content = operation["responses"]["200"]["content"]
    head, data, *end = content["text/event-stream"]["example"].split("\n")
    assert (head, end) == ("id: 411", ["", ""])
    msgspec.json.decode(data.removeprefix("data: "), type=HistoryEntry)
    (header,) = [each for each in operation["parameters"] if each["in"] == "header"]
    assert (header["name"], header.get("required", False)) == ("Last-Event-ID", False)
    assert "content" not in operation["responses"]["204"]


def test_a_406_says_what_there_is(document: Any) -> None:
    for path in SHAPES:
        content = document["paths"][path]["get"]["responses"]["406"]["content"]
        for example in content["application/problem+json"]["examples"].values():
            assert example["value"]["offered"] == ["application/json"]

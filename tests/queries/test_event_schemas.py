"""The schemas of events take what the log holds, and refuse what it would never hold."""

import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.queries.casino import Casino

SCHEMAS = Path(__file__).parents[2] / "docs" / "schemas" / "events"
# Of no kind that a member of an event is of, but for those that are not looked at.
OF_ANOTHER_KIND = {"of": "another kind"}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    found = [json.loads(path.read_text()) for path in SCHEMAS.glob("*.json")]
    return {schema["title"]: schema for schema in found}


def states(casino: Casino) -> Iterator[tuple[str, Any]]:
    """The topic and the state of each event in a log."""
    answer = casino.get("history", headers={"accept": "application/x-ndjson"})
    for line in answer.body.splitlines():
        entry = json.loads(line)
        yield ".".join(filter(None, (entry["type"], entry.get("dialect")))), entry["data"]


def altered(schema: Any, state: Any) -> Iterator[Any]:
    """The state with one thing wrong: what is missing, of another kind, or the flag of another event."""
    for name in schema["required"]:
        yield {member: value for member, value in state.items() if member != name}
    for name, member in schema["properties"].items():
        if name in state:
            yield {**state, name: OF_ANOTHER_KIND}
        if "const" in member:
            yield {**state, name: not member["const"]}
        if "pattern" in member and name in schema["required"]:
            yield {**state, name: state[name] + "\0"}


def test_what_is_recorded_of_a_day_is_taken_and_nothing_that_is_altered(
    day: Casino, schemas: dict[str, Any]
) -> None:
    seen = set()
    for topic, state in states(day):
        validator = jsonschema_rs.Draft202012Validator(schemas[topic])
        validator.validate(state)
        if topic not in seen:
            wrong = [*altered(schemas[topic], deepcopy(state))]
            assert len(wrong) > 4
            assert not [each for each in wrong if validator.is_valid(each)]
        seen.add(topic)
    assert seen >= {
        *("BetPlaced", "WinPaid", "Deposited", "Withdrawn"),
        *("LoggedIn", "PlayerUpdated", "GameUpdated"),
    }


def test_what_is_recorded_of_rollbacks_and_round_ends_is_taken(
    casino: Casino, schemas: dict[str, Any]
) -> None:
    samples = Path(__file__).parents[1] / "samples" / "two-days"
    for batch in sorted(samples.glob("batch-*.json")):
        casino.send_body(batch.read_bytes())
    recorded = [*states(casino)]
    assert {topic for topic, _ in recorded} >= {"BetRolledBack", "WinRolledBack", "RoundEnded"}
    for topic, state in recorded:
        jsonschema_rs.Draft202012Validator(schemas[topic]).validate(state)

"""Snapshots hold whatever an aggregate can be, and come back as they were."""

from typing import Any

import pytest
from eventsourcing.persistence import MapperDeserialisationError, StoredEvent
from hypothesis import given
from hypothesis import strategies as st

from app.log.snapshots import SnapshotMapper, Taken
from domain.aggregates import fold_game, fold_player
from domain.events import Event, decode
from domain.recorded import RecordedEvent
from tests.strategies import items

MAPPER = SnapshotMapper()


def streams(*kinds: str) -> st.SearchStrategy[list[Event]]:
    decoded = items(st.sampled_from(kinds)).map(
        lambda sent: decode(sent.topic, sent.data_text.encode())
    )
    return st.lists(decoded, min_size=1, max_size=5)


@given(
    streams("player", "login", "deposit", "gameround", "rollback", "roundend"), streams("player")
)
def test_a_player_comes_back_and_goes_on_as_it_was(before: list[Event], after: list[Any]) -> None:
    recorded = [RecordedEvent(event, "player:😀", n) for n, event in enumerate(before + after, 1)]
    player = fold_player(None, recorded[: len(before)])
    assert player is not None
    read = MAPPER.to_domain_event(MAPPER.to_stored_event(Taken(player)))
    assert isinstance(read, Taken)
    assert read.aggregate == player
    assert fold_player(read.aggregate, recorded[len(before) :]) == fold_player(None, recorded)


@given(streams("game"))
def test_a_game_comes_back_as_it_was(sent: list[Event]) -> None:
    game = fold_game(None, [RecordedEvent(e, "game:a/b", n) for n, e in enumerate(sent, 1)])
    assert game is not None
    stored = MAPPER.to_stored_event(Taken(game))
    assert (stored.originator_id, stored.originator_version) == ("game:a/b", len(sent))
    assert MAPPER.to_domain_event(stored) == Taken(game)


def test_a_snapshot_of_another_place_is_none() -> None:
    login = decode(
        "LoggedIn", b'{"unique_id":"u","timestamp":"2025-01-15T12:00:00Z","player_id":"p"}'
    )
    player = fold_player(None, [RecordedEvent(login, "player:p", 1)])
    assert player is not None
    good = MAPPER.to_stored_event(Taken(player))
    for place in (("player:q", 1), ("player:p", 2), ("game:p", 1)):
        with pytest.raises(MapperDeserialisationError, match=place[0]):
            MAPPER.to_domain_event(StoredEvent(*place, good.topic, good.state))
    with pytest.raises(TypeError, match="no snapshot"):
        MAPPER.to_stored_event(RecordedEvent(login, "player:p", 1))

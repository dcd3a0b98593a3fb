"""What is left of an event, how the record is written, and what a player becomes."""

from datetime import UTC, date, datetime
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from domain.aggregates import fold_player
from domain.erasure import encode_record, kept_since, ranges
from domain.events import (
    TYPES,
    Event,
    LoggedIn,
    PlayerErased,
    PlayerEvent,
    PlayerUpdated,
    UnknownTopicError,
    decode,
    is_bare,
)
from domain.instant import Instant
from domain.profile import fold_sighting
from domain.recorded import RecordedEvent

STREAM = "player:a/b"
TIME = b'"2025-01-15T12:00:00.000001+00:00"'
AT = datetime(2025, 1, 15, 12, 0, 0, 1, UTC)


@given(st.sets(st.integers(1, 60)))
def test_positions_are_written_in_short_and_none_is_lost(positions: set[int]) -> None:
    written = ranges(sorted(positions))
    pairs = [each if isinstance(each, tuple) else (each, each) for each in written]
    assert [p for first, last in pairs for p in range(first, last + 1)] == sorted(positions)
    assert all(one[1] + 1 < next_[0] for one, next_ in pairwise(pairs))
    assert all(first < last for first, last in (e for e in written if isinstance(e, tuple)))


def test_a_record_holds_what_the_verifier_reads_and_comes_back() -> None:
    state = encode_record([1, 2, 3, 7], reason="why", by="who", at=AT)
    assert msgspec.json.decode(state) == {
        "positions": [[1, 3], 7],
        "reason": "why",
        "by": "who",
        "at": "2025-01-15T12:00:00.000001Z",
    }
    assert decode("PlayerErased", state, STREAM) == PlayerErased(
        player_id="a/b",
        timestamp=Instant.fromisoformat(AT.isoformat()),
        positions=[(1, 3), 7],
        reason="why",
        by="who",
    )


def test_of_an_erased_event_the_time_and_the_player_are_left() -> None:
    for topic in TYPES:
        event = decode(topic, TIME, STREAM)
        assert isinstance(event, PlayerEvent)
        assert (event.unique_id, event.timestamp, event.player_id) == ("", AT, "a/b")
        assert is_bare(event) == (topic not in {"LoggedIn", "PlayerUpdated"})
    assert type(decode("LoggedIn", TIME, STREAM)) is LoggedIn
    update = decode("PlayerUpdated", TIME, STREAM)
    assert isinstance(update, PlayerUpdated)
    assert update.country is msgspec.UNSET


def test_what_is_neither_a_state_nor_a_time_is_still_an_error() -> None:
    for state in (b"{}", b"null", b"7", b'"2025', b'{"timestamp":"2025-01-15T12:00:00Z"}'):
        with pytest.raises(msgspec.MsgspecError):
            decode("LoggedIn", state, STREAM)
    with pytest.raises(UnknownTopicError):
        decode("PlayerWritten", TIME, STREAM)


@pytest.mark.parametrize(
    ("today", "years", "since"),
    [
        (date(2026, 3, 1), 10, date(2016, 3, 1)),
        (date(2024, 2, 29), 4, date(2020, 2, 29)),
        (date(2028, 2, 29), 10, date(2018, 2, 28)),
    ],
)
def test_ten_years_are_ten_years(today: date, years: int, since: date) -> None:
    assert kept_since(today, years) == since


moments = st.integers(1, 28).map(lambda day: Instant(2025, 1, day, tzinfo=UTC))
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(LoggedIn, st.just(""), moments, st.just("a/b")),
    st.builds(
        lambda at, **fields: PlayerUpdated(f"u{at}", at, "a/b", **fields),
        moments,
        country=st.sampled_from(["SE", "MT", None]),
        tags=st.sampled_from([["x"], msgspec.UNSET]),
    ),
    st.builds(lambda at: PlayerEvent("", at, "a/b"), moments),
    st.builds(
        lambda at: PlayerErased(player_id="a/b", timestamp=at, positions=[], reason="", by=""),
        moments,
    ),
)


@given(st.lists(events, min_size=1, max_size=8), st.data())
def test_an_erased_player_begins_anew_and_was_seen_as_before(
    told: list[Event], data: DataObject
) -> None:
    recorded = [RecordedEvent(event, STREAM, n) for n, event in enumerate(told, 1)]
    whole = fold_player(None, recorded)
    split = data.draw(st.integers(0, len(told)))
    assert fold_player(fold_player(None, recorded[:split]), recorded[split:]) == whole

    seen = [event for event in told if not isinstance(event, PlayerErased)]
    if not seen:
        assert whole is None
        return
    assert whole is not None
    assert whole.sighting == fold_sighting(seen)
    erasures = [n for n, event in enumerate(told, 1) if isinstance(event, PlayerErased)]
    after = fold_player(None, recorded[max(erasures, default=0) :])
    assert whole.profile.values == (after.profile.values if after else {})
    assert whole.profile.stamps == (after.profile.stamps if after else {})

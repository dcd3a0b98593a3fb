"""The same as `python -m tests.client.kills`, but each once."""

from random import Random

from tests.client.kills import kill_for


def test_what_the_application_was_told_is_spooled_is_in_the_log_once_whatever_is_killed() -> None:
    assert "0 lost, 0 doubled" in kill_for(0, Random().randrange(1_000_000))

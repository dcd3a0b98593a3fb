"""The same as `python -m tests.faults.connected`, shorter, with the broker that starts faster."""

from random import Random

import pytest

from tests.faults.connected import soak

# With the other tests that start this broker: so many at once are enough for two processors.
pytestmark = pytest.mark.xdist_group("nats")


def test_all_that_was_promised_is_there_once_and_arrives_whatever_is_killed() -> None:
    assert "0 lost, 0 doubled" in soak(15, Random().randrange(1_000_000), "nats")

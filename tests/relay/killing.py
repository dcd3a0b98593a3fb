"""Two relays beside each other: again and again one of them is killed, and another begins in its place."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from signal import SIGKILL, SIGTERM
from threading import Thread

from tests.faults.places import temporary_folder
from tests.http.service import Running, eventually
from tests.relay.conftest import Subscribed


def relay_while_some_are_killed(
    kind: str,
    subscribed: Subscribed,
    record: Callable[[], None],
    *,
    goals: Sequence[int],
    settings: Mapping[str, str],
) -> None:
    """Relay what is recorded meanwhile, until all is sent; one is killed at each position of `goals`."""
    random = Random(15)
    with temporary_folder() as folder:
        relays = [Running(folder, "relay", kind, settings=settings) for _ in range(2)]
        thread = Thread(target=record)
        thread.start()
        try:
            for goal in goals:
                eventually(lambda goal=goal: subscribed.now().position >= goal)  # type: ignore[misc]
                victim = relays.pop(random.randrange(2))
                victim.signal(SIGKILL)
                victim.ended()
                relays.append(Running(folder, "relay", kind, settings=settings))
            thread.join()
            eventually(subscribed.is_level)
        finally:
            thread.join()
            for relay in relays:
                relay.signal(SIGTERM)
                status, _ = relay.ended()
                # The last one may be told before it listens.
                assert status in (0, -SIGTERM), relay.log()

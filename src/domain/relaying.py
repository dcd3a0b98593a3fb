"""What is relayed to others: ids of messages, which events are meant, and how long failures are waited."""

import re
from collections.abc import Sequence
from typing import Literal, get_args

from domain.fasttrack import event_of
from domain.item_types import EVENT_TYPES

Kind = Literal["webhook", "nats", "rabbitmq", "kafka"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LONGEST_PAUSE_S = 300.0
LONGEST_ASKED_S = 3_600.0
"""How long a target may ask to be left alone, at most."""

_FIRST_PAUSE_S = 1.0
_DOUBLINGS = 20

EVENTS: tuple[str, ...] = tuple(sorted({*EVENT_TYPES.values(), *map(event_of, EVENT_TYPES)}))
"""What can be asked for: item types, and types of events."""

_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_PLACEHOLDERS = ("tenant", "event", "type")
_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_LONGEST_ROUTE = 255


class UnknownEventError(ValueError):
    """A subscription is for what this version does not know."""


class TargetError(ValueError):
    """What is named can't be a target; the message says why."""


def topics_of(events: Sequence[str] | None) -> list[str] | None:
    """List the topics of the log that item types and types of events stand for, None for all.

    Raises UnknownEventError.
    """
    if events is None:
        return None
    if unknown := sorted(set(events).difference(EVENTS)):
        raise UnknownEventError(f"this version knows no events {', '.join(unknown)}")
    return [
        topic
        for topic, event in EVENT_TYPES.items()
        if event in events or event_of(topic) in events
    ]


def message_id(log_id: bytes, position: int) -> str:
    """Return the id of what is relayed of an event, the same however often it is sent.

    `log_id` is what the log was called towards readers when the position was given: after a restore positions
    are given again, to other events.
    """
    return f"{log_id.hex()}-{position}"


def pause_s(failures: int, chance: float, asked_s: float | None = None) -> float:
    """Return how long to wait after so many failures in a row, in seconds.

    It doubles from a second up to LONGEST_PAUSE_S, and half of it is left to `chance` (0 to 1), so that
    those that failed together don't come back together. No less than the target asked for (`Retry-After`,
    RFC 9110).
    """
    longest = min(LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(failures - 1, _DOUBLINGS))
    pause = longest * (1 + chance) / 2
    return pause if asked_s is None else max(pause, min(asked_s, LONGEST_ASKED_S))


def check_target(kind: Kind, target: str) -> None:
    """Raise TargetError for what can't be a target of a broker."""
    rest = _PLACEHOLDER.sub("x", target)
    if _unknown(target):
        raise TargetError(
            f"it may have {{tenant}}, {{event}} and {{type}} in it, not {_unknown(target)}"
        )
    if "{" in rest or "}" in rest:
        raise TargetError("a brace is left open")
    if kind == "nats" and not _SUBJECT.fullmatch(rest):
        raise TargetError(
            "a subject is words without spaces, with dots between them, and without * and >"
        )
    if kind == "kafka" and not _TOPIC.fullmatch(rest):
        raise TargetError("a topic is up to 249 letters, digits, dots, hyphens and underscores")
    if kind == "rabbitmq" and ("/" not in rest or len(rest.encode()) > _LONGEST_ROUTE):
        raise TargetError(
            "an exchange, a slash and a routing key are wanted, as casino/{tenant}.{event}"
        )


def _unknown(target: str) -> str:
    names = _PLACEHOLDER.findall(target)
    return ", ".join(f"{{{name}}}" for name in names if name not in _PLACEHOLDERS)


def fill(template: str, *, tenant: str, event: str, type_: str) -> str:
    """Return a target with the names of an event in their places."""
    return template.replace("{tenant}", tenant).replace("{event}", event).replace("{type}", type_)

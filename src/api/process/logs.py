"""Structured logs on stderr: for people on a terminal, else JSON, one object a line."""

import json
import logging
import os
import re
import sys
import threading
from typing import Any

import msgspec
import structlog

_NOISY = ("httpx", "uvicorn.error", "psycopg.pool")

# What a terminal takes for a command: of what others sent, none reaches it.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def configure_logs(log_format: str | None) -> None:
    """Send all logs to stderr: those of libraries, warnings, and what ends a process or a thread too.

    As JSON or for people (`console`), as is said; else for people where stderr is a terminal.
    """
    if log_format is None:
        log_format = "console" if sys.stderr.isatty() else "json"
    factory: Any
    if log_format == "json":
        finish: list[Any] = [structlog.processors.JSONRenderer(serializer=_to_json)]
        factory = structlog.BytesLoggerFactory(sys.stderr.buffer)
    else:
        # Not the library's own choice of a traceback, which would show the values of variables.
        render = structlog.dev.ConsoleRenderer(
            colors=_shows_colors(), exception_formatter=structlog.dev.plain_traceback
        )
        finish = [_without_control_characters, render]
        factory = structlog.PrintLoggerFactory(sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_nothing,
            *finish,
        ],
        logger_factory=factory,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    _forward_standard_library()
    sys.excepthook = lambda *error: _log_end("the process", error)
    threading.excepthook = lambda ended: _log_end("a thread", ended[:3])


def takes_commands() -> bool:
    """Return whether stderr is a terminal that moves its cursor, and more, when it is told to."""
    return sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def _shows_colors() -> bool:
    """Return whether stderr takes colours, and nobody asked for none (no-color.org)."""
    return takes_commands() and not os.environ.get("NO_COLOR")


def _without_nothing(_logger: Any, _method: str, event: Any) -> Any:
    """Leave out what has no value."""
    return {name: value for name, value in event.items() if value is not None}


def _without_control_characters(_logger: Any, _method: str, event: Any) -> Any:
    return {
        name: _CONTROL.sub(lambda found: repr(found[0])[1:-1], value)
        if isinstance(value, str)
        else value
        for name, value in event.items()
    }


def _to_json(event: Any, **_: Any) -> bytes:
    try:
        return msgspec.json.encode(event, enc_hook=repr)
    except UnicodeEncodeError:  # the name of a file that is no UTF-8, say
        return json.dumps(event, default=repr).encode()


class _Forward(logging.Handler):
    """Hands what libraries log by the standard library's means to our own log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log a record again."""
        structlog.get_logger().log(
            record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info
        )


def _forward_standard_library() -> None:
    root = logging.getLogger()
    root.handlers[:] = [_Forward()]
    root.setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _log_end(what: str, error: Any) -> None:
    kind, reason, trace = error
    if issubclass(kind, SystemExit):  # which ends a thread quietly
        return
    structlog.get_logger().error(f"{what} ended by an error", exc_info=(kind, reason, trace))
